// Maps, messages in messages, and oneofs.

extension Catalogue {
    static let mapKey = Entry(
        summary: "The keys of a map are strings, integers or bools.",
        explanation: """
            These can be compared for equality in every language, and written as the key of a JSON
            object. For other keys, write a list of messages that have key and value as fields.
            """,
        bad: """
            package clock.v1

            message Bells {
                byVolume: map<double, string> = 1
            }

            """,
        good: """
            package clock.v1

            message Bells {
                byVolume: map<uint32, string> = 1
            }

            """)

    static let containsItself = Entry(
        summary: "A message does not contain itself.",
        explanation: """
            A plain or optional field is a part of its message, so a message inside itself would
            have no end. This holds across several messages too. Only a list or a map, which can be
            empty, leads back.
            """,
        bad: """
            package clock.v1

            message Alarm {
                next: Alarm? = 1
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                next: list<Alarm> = 1 (max 1)
            }

            """)

    static let choiceForm = Entry(
        summary: "A choice of a oneof is one value.",
        explanation: """
            It is there or not by itself, so it needs no `?`. A list or map has no such state; put
            it into a message and make that the choice.
            """,
        bad: """
            package clock.v1

            message Alarm {
                oneof target {
                    room: uint32? = 1
                    guest: string = 2
                }
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                oneof target {
                    room: uint32 = 1
                    guest: string = 2
                }
            }

            """)

    static let emptyOneof = Entry(
        summary: "A oneof has choices.",
        explanation: """
            Without any there is nothing that it could hold. Write its fields into it, or take it
            away.
            """,
        bad: """
            package clock.v1

            message Alarm {
                room: uint32 = 1
                oneof target {
                }
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                oneof target {
                    room: uint32 = 1
                }
            }

            """)

    static let nestedTooDeep = Entry(
        summary: "Messages are nested at most 16 deep.",
        explanation: """
            Nobody can keep more in mind, and their full names would become long without end. Declare
            the inner message further out, or at the top of the file.
            """,
        bad: nested(17),
        good: nested(16))

    private static func nested(_ depth: Int) -> Example {
        var text = "package clock.v1\n\n"
        for level in 1..<depth + 1 {
            text += "message Level\(level) {" + (level % 4 == 0 || level == depth ? "\n" : " ")
        }
        return Example(("schema.rpc", text + String(repeating: "}", count: depth) + "\n"))
    }
}
