// What stands in parentheses behind a field, type or name.

extension Catalogue {
    static let unknownOption = Entry(
        summary: "The options are `max`, `min`, `range`, `redact` and `deprecated`.",
        explanation: """
            `max` and `min` limit lengths, `range` limits numbers, `redact` keeps a value out of
            logs, and `deprecated` says in quotes what to use instead. There are no others.
            """,
        bad: """
            package clock.v1

            message Alarm {
                label: string = 1 (length 64)
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                label: string = 1 (max 64)
            }

            """)

    static let optionTwice = Entry(
        summary: "Each option stands at a place once.",
        explanation: """
            Of two values nobody could tell which holds. Take one away. The limit of a list's
            elements stands inside the `<>`, and that of the list itself behind the number.
            """,
        bad: """
            package clock.v1

            message Alarm {
                label: string = 1 (max 64, max 128)
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                label: string = 1 (max 64)
            }

            """)

    static let limitTarget = Entry(
        summary: "`max` and `min` limit what has a length.",
        explanation: """
            They count the bytes of strings and bytes, and `max` alone the elements of lists and the
            entries of maps. For a number write `range`. A message has no limit of its own; its
            fields have.
            """,
        bad: """
            package clock.v1

            message Alarm {
                volume: uint32 = 1 (max 10)
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                volume: uint32 = 1 (range 0...10)
            }

            """)

    static let limitRange = Entry(
        summary: "A limit is 1 to 2,147,483,647.",
        explanation: """
            Nothing longer can be sent, and a field that could hold nothing would be of no use. A
            `min` of 0 is what holds without it.
            """,
        bad: """
            package clock.v1

            message Alarm {
                label: string = 1 (max 0)
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                label: string = 1 (max 64)
            }

            """)

    static let limitOrder = Entry(
        summary: "The lower limit is not above the upper one.",
        explanation: """
            No value could be within. Where `max` is not written, a string has at most 4,096 bytes
            and a bytes value 1,048,576.
            """,
        bad: """
            package clock.v1

            message Alarm {
                volume: uint32 = 1 (range 10...0)
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                volume: uint32 = 1 (range 0...10)
            }

            """)

    static let defaultOutside = Entry(
        summary: "The default of a plain field is within its limits.",
        explanation: """
            A plain field is 0 or empty until it is set, and a message with it could not be sent. An
            optional field is absent until then: write `?` behind the type. Or let the limits have
            the default in them.
            """,
        bad: """
            package clock.v1

            message Alarm {
                volume: uint32 = 1 (range 1...10)
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                volume: uint32? = 1 (range 1...10)
            }

            """)

    static let rangeTarget = Entry(
        summary: "`range` limits numbers.",
        explanation: """
            Strings and bytes have `max` and `min`, which count their bytes. Other types have no
            range.
            """,
        bad: """
            package clock.v1

            message Alarm {
                label: string = 1 (range 0...64)
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                label: string = 1 (max 64)
            }

            """)

    static let rangeForm = Entry(
        summary: "The ends of a range are numbers of the field's type.",
        explanation: """
            An integer has no fractions, an unsigned one nothing below 0, and each type has a least
            and a greatest number. Both ends belong to the range.
            """,
        bad: """
            package clock.v1

            message Alarm {
                volume: uint32 = 1 (range -1...10)
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                volume: uint32 = 1 (range 0...10)
            }

            """)

    static let optionPlace = Entry(
        summary: "An option stands where it has a meaning.",
        explanation: """
            Limits and `redact` are of fields, limits also of elements, and `deprecated` of all but
            elements. A list or map has only `max`; what holds for each element stands inside the
            `<>`.
            """,
        bad: """
            package clock.v1

            message Alarm (redact) {
                code: string = 1 (max 8)
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                code: string = 1 (max 8, redact)
            }

            """)
}
