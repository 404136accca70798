// What a schema is made of.

extension Catalogue {
    static let notUTF8 = Entry(
        summary: "A schema is UTF-8.",
        explanation: """
            Every program and editor then reads the same characters. Save the file as UTF-8; the
            mark shows the first byte that is none.
            """,
        bad: """
            package clock.v1

            /// Wakes a Schl�fer.
            message Alarm {}

            """,
        good: """
            package clock.v1

            /// Wakes a Schläfer.
            message Alarm {}

            """)

    static let strayCharacter = Entry(
        summary: "The language does not have this character.",
        explanation: """
            Schemas have names, numbers, texts in `"`, and the signs `{ } ( ) < > : = ? , . - ->`.
            Fields end with their line, so there is no `;`. Comments begin with `//`.
            """,
        bad: """
            package clock.v1

            message Alarm {
                label: string = 1;
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                label: string = 1
            }

            """)

    static let openString = Entry(
        summary: "A text in quotes ends on its line.",
        explanation: """
            Without the second `"`, the rest of the line is taken for the text. Write it where the
            text ends.
            """,
        bad: """
            package clock.v1

            message Alarm {
                reserved 4, "snooze
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                reserved 4, "snooze"
            }

            """)

    static let badNumber = Entry(
        summary: "A whole number stands here.",
        explanation: """
            The numbers of fields and values, and lengths, are digits with at most a `-` before
            them, without fractions or letters, and of at most 64 bits.
            """,
        bad: """
            package clock.v1

            message Alarm {
                label: string = 1 (max 64kB)
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                label: string = 1 (max 65536)
            }

            """)

    static let unexpected = Entry(
        summary: "The grammar has something else here.",
        explanation: """
            The message says what was expected and what was found. Where the line ends too early,
            the mark stands behind its last word. The mistake may be a little before the mark, such
            as a sign that is missing.
            """,
        bad: """
            package clock.v1

            message Alarm {
                label string = 1
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                label: string = 1
            }

            """)

    static let missingNewLine = Entry(
        summary: "Each field, value, method and `reserved` ends its line.",
        explanation: """
            One on each line is easy to read and to compare. Begin a new line where the mark is.
            """,
        bad: """
            package clock.v1

            message Alarm {
                label: string = 1 at: timestamp = 2
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                label: string = 1
                at: timestamp = 2
            }

            """)

    static let openBody = Entry(
        summary: "A body ends with `}`.",
        explanation: """
            The file ended, or something that cannot be part of the body began, before the brace
            that closes it. Where the lines are indented, they tell which body has none. Write the
            `}` where it ends.
            """,
        bad: """
            package clock.v1

            message Alarm {
                label: string = 1

            message Bell {
                volume: uint32 = 1
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                label: string = 1
            }

            message Bell {
                volume: uint32 = 1
            }

            """)
}
