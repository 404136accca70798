// What names would be in Swift and in `.proto` files, and which types there are.

extension Catalogue {
    static let memberOfEvery = Entry(
        summary: "A member cannot have a name that every type of its kind has a member of.",
        explanation: """
            Generated types have members of their own, such as `encoded`, `hashValue` or
            `rawValue`. docs/IDL.md, part 3, lists them. Choose another name.
            """,
        bad: """
            package clock.v1

            message Alarm {
                unknownFields: string = 1
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                otherFields: string = 1
            }

            """)

    static let optionalLike = Entry(
        summary: "A value or choice is not called `none` or `some`.",
        explanation: """
            In Swift, `.none` of an optional enum would silently mean that there is no value. Say
            what it stands for: `unspecified`, `off`, `nobody`.
            """,
        bad: """
            package clock.v1

            enum Volume {
                none = 0
                loud = 1
            }

            """,
        good: """
            package clock.v1

            enum Volume {
                silent = 0
                loud = 1
            }

            """)

    static let protoValueTwice = Entry(
        summary: "The values of two enums have different names in a `.proto`.",
        explanation: """
            There, the values of all enums of a package share one space of names, so each begins
            with the name of its enum. Where one enum's name begins with another's, two values can
            become one. Rename one of the values or enums.
            """,
        bad: """
            package clock.v1

            enum BellTone {
                high = 0
            }

            enum Bell {
                unspecified = 0
                toneHigh = 1
            }

            """,
        good: """
            package clock.v1

            enum BellTone {
                high = 0
            }

            enum Bell {
                unspecified = 0
                highTone = 1
            }

            """)

    static let unknownType = Entry(
        summary: "There is a type of this name.",
        explanation: """
            A type is one of the language, one that the schema declares, or one that a schema it
            imports declares itself. Correct the name, or import the schema that declares it. From
            outside, a type inside a message has the message's name before its own.
            """,
        bad: """
            package clock.v1

            message Alarm {
                label: strng = 1
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                label: string = 1
            }

            """)

    static let notAType = Entry(
        summary: "A service is no type.",
        explanation: """
            Messages hold data, and a service is something to call. Name a message or an enum, or
            hold what is needed to find the service, such as its address.
            """,
        bad: """
            package clock.v1

            message Alarm {
                bell: Bell = 1
            }

            service Bell {}

            """,
        good: """
            package clock.v1

            message Alarm {
                bellAddress: string = 1
            }

            service Bell {}

            """)
}
