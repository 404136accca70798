// Names and what they mean.

extension Catalogue {
    static let typeForm = Entry(
        summary: "The name of a message, enum or service begins with a capital.",
        explanation: """
            It has no underscores: words begin with capitals. Types and members are then never
            mistaken for each other, here and in generated code.
            """,
        bad: """
            package clock.v1

            message alarm_clock {}

            """,
        good: """
            package clock.v1

            message AlarmClock {}

            """)

    static let memberForm = Entry(
        summary: "The name of a field, oneof, value or method begins with a small letter.",
        explanation: """
            It has no underscores: further words begin with capitals. Other languages get the form
            that is usual there, such as `wake_up_time` in a `.proto`.
            """,
        bad: """
            package clock.v1

            message Alarm {
                wake_up_time: timestamp = 1
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                wakeUpTime: timestamp = 1
            }

            """)

    static let nameTaken = Entry(
        summary: "A type cannot have a name that generated code needs itself.",
        explanation: """
            Generated Swift uses types such as `String`, `Timestamp` and `Result` by these names.
            A declaration of the same name would hide them. Choose another name. The type of a
            oneof has the oneof's name with a capital first.
            """,
        bad: """
            package clock.v1

            message Timestamp {}

            """,
        good: """
            package clock.v1

            message WakeUpTime {}

            """)

    static let declaredTwice = Entry(
        summary: "A name is declared once.",
        explanation: """
            The schemas of a module, with what they import, share one space of Swift names, whatever
            their packages are. Rename one of the two.
            """,
        bad: """
            package clock.v1

            message Alarm {}

            enum Alarm {
                unspecified = 0
            }

            """,
        good: """
            package clock.v1

            message Alarm {}

            enum AlarmKind {
                unspecified = 0
            }

            """)

    static let shadowedName = Entry(
        summary: "A type inside a message does not hide one outside.",
        explanation: """
            Inside the message, Swift would take the name for the inner type, and the outer one
            could not be named any more. Rename one of them.
            """,
        bad: """
            package clock.v1

            enum Volume {
                quiet = 0
            }

            message Alarm {
                message Volume {}
            }

            """,
        good: """
            package clock.v1

            enum Volume {
                quiet = 0
            }

            message Alarm {
                message VolumeCurve {}
            }

            """)

    static let memberTwice = Entry(
        summary: "The members of a declaration have different names.",
        explanation: """
            They must differ in `.proto` files too, where names are written in small letters with
            underscores: `logID` and `logId` are both `log_id` there. Rename one of them.
            """,
        bad: """
            package clock.v1

            message Alarm {
                logID: bytes = 1
                logId: bytes = 2
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                logID: bytes = 1
                previousLogID: bytes = 2
            }

            """)
}
