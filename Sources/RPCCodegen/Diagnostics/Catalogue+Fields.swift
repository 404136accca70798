// Fields and reserved numbers.

extension Catalogue {
    static let fieldNumberRange = Entry(
        summary: "Field numbers are 1 to 536,870,911.",
        explanation: """
            This is what a tag of the wire format can hold. Small numbers are best: those up to 15
            take one byte, those up to 2047 two.
            """,
        bad: """
            package clock.v1

            message Alarm {
                label: string = 0
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                label: string = 1
            }

            """)

    static let protobufNumber = Entry(
        summary: "The field numbers 19,000 to 19,999 are not used.",
        explanation: """
            Protobuf keeps them for itself, and its compiler refuses a `.proto` with them. Take
            another number.
            """,
        bad: """
            package clock.v1

            message Alarm {
                label: string = 19000
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                label: string = 1
            }

            """)

    static let fieldNumberTwice = Entry(
        summary: "The fields of a message have different numbers.",
        explanation: """
            On the wire a field is known by its number alone. Give the newer of the two the number
            that the message says is free. Never change the number of a field that programs use
            already.
            """,
        bad: """
            package clock.v1

            message Alarm {
                label: string = 1
                at: timestamp = 1
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                label: string = 1
                at: timestamp = 2
            }

            """)

    static let reservedNumber = Entry(
        summary: "A reserved number is not used.",
        explanation: """
            It belonged to something that was removed. Older programs still give it the old
            meaning, and would misread the new one. Take a number that was never used.
            """,
        bad: """
            package clock.v1

            message Alarm {
                reserved 1
                label: string = 1
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                reserved 1
                label: string = 2
            }

            """)

    static let reservedName = Entry(
        summary: "A reserved name is not used.",
        explanation: """
            It belonged to something that was removed. JSON and older sources still give it the old
            meaning. Choose another name.
            """,
        bad: """
            package clock.v1

            message Alarm {
                reserved 1, "label"
                label: string = 2
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                reserved 1, "label"
                title: string = 2
            }

            """)

    static let reservedRange = Entry(
        summary: "Reserved numbers are numbers that a member could have, from low to high.",
        explanation: """
            A range such as `7...9` has both ends in it. Outside of what fields, or the values of
            an enum, can have there is nothing to reserve.
            """,
        bad: """
            package clock.v1

            message Alarm {
                reserved 9...7
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                reserved 7...9
            }

            """)

    static let optionalList = Entry(
        summary: "A list or map is not optional.",
        explanation: """
            On the wire, an empty one and an absent one are the same: nothing. Leave the `?` out. To
            tell the two apart, put the list into a message and make that optional.
            """,
        bad: """
            package clock.v1

            message Alarm {
                days: list<uint32>? = 1
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                days: list<uint32> = 1
            }

            """)

    static let nestedList = Entry(
        summary: "Lists and maps hold no lists and maps.",
        explanation: """
            The wire format has nothing for it. Put the inner one into a message, which then has a
            name that says what it is.
            """,
        bad: """
            package clock.v1

            message Month {
                weeks: list<list<uint32>> = 1
            }

            """,
        good: """
            package clock.v1

            message Month {
                weeks: list<Week> = 1

                message Week {
                    days: list<uint32> = 1
                }
            }

            """)
}
