// The types, roles and deadlines of methods.

extension Catalogue {
    static let methodTypes = Entry(
        summary: "A method takes and gives messages.",
        explanation: """
            A message can get more fields later, and programs of both ages go on understanding each
            other. A bare string or enum could not grow. Put the value into a message.
            """,
        bad: """
            package clock.v1

            message Alarm {}

            service Bell {
                ring(string) -> Alarm { deadline 5s, role ctl }
            }

            """,
        good: """
            package clock.v1

            message Alarm {}

            message RingRequest {
                label: string = 1
            }

            service Bell {
                ring(RingRequest) -> Alarm { deadline 5s, role ctl }
            }

            """)

    static let missingRole = Entry(
        summary: "Every method says which roles may call it.",
        explanation: """
            A method that nobody thought about must not be open to all. Name the roles, such as
            `role ctl, gateway`; `role any` is every peer that has authenticated itself.
            """,
        bad: """
            package clock.v1

            message Alarm {}

            service Bell {
                ring(Alarm) -> Alarm { deadline 5s }
            }

            """,
        good: """
            package clock.v1

            message Alarm {}

            service Bell {
                ring(Alarm) -> Alarm { deadline 5s, role ctl }
            }

            """)

    static let roleTwice = Entry(
        summary: "A role is named once.",
        explanation: """
            The second says nothing new, and may have been meant for another role. Take it away or
            correct it.
            """,
        bad: """
            package clock.v1

            message Alarm {}

            service Bell {
                ring(Alarm) -> Alarm { deadline 5s, role ctl, gateway, ctl }
            }

            """,
        good: """
            package clock.v1

            message Alarm {}

            service Bell {
                ring(Alarm) -> Alarm { deadline 5s, role ctl, gateway }
            }

            """)

    static let anyRole = Entry(
        summary: "`any` stands alone.",
        explanation: """
            It is every peer that has authenticated itself, so a role beside it says nothing, or was
            meant as a limit that is none. Write `role any`, or name the roles without it.
            """,
        bad: """
            package clock.v1

            message Alarm {}

            service Bell {
                ring(Alarm) -> Alarm { deadline 5s, role ctl, any }
            }

            """,
        good: """
            package clock.v1

            message Alarm {}

            service Bell {
                ring(Alarm) -> Alarm { deadline 5s, role ctl }
            }

            """)

    static let missingDeadline = Entry(
        summary: "Every method has a deadline.",
        explanation: """
            It is how long a call may take when the caller says nothing. Without one, a call that
            hangs would hold its memory for ever. A method that streams may say `deadline none`.
            """,
        bad: """
            package clock.v1

            message Alarm {}

            service Bell {
                ring(Alarm) -> Alarm { role ctl }
            }

            """,
        good: """
            package clock.v1

            message Alarm {}

            service Bell {
                ring(Alarm) -> Alarm { deadline 5s, role ctl }
            }

            """)

    static let openUnary = Entry(
        summary: "Only a method that streams has `deadline none`.",
        explanation: """
            One request with one response has an end, and whoever waits for it must learn in time
            that it does not come. Write how long that may take.
            """,
        bad: """
            package clock.v1

            message Alarm {}

            service Bell {
                ring(Alarm) -> Alarm { deadline none, role ctl }
            }

            """,
        good: """
            package clock.v1

            message Alarm {}

            service Bell {
                ring(Alarm) -> Alarm { deadline 5s, role ctl }
            }

            """)

    static let idleWithDeadline = Entry(
        summary: "`idle` goes with `deadline none`.",
        explanation: """
            It ends a call that carries nothing any more. A call with a deadline ends by that. Take
            `idle` away, or write `deadline none` where the call may go on for as long as it is used.
            """,
        bad: """
            package clock.v1

            message Alarm {}

            service Bell {
                watch(Alarm) -> stream Alarm { deadline 5s, idle 1m, role ctl }
            }

            """,
        good: """
            package clock.v1

            message Alarm {}

            service Bell {
                watch(Alarm) -> stream Alarm { deadline none, idle 1m, role ctl }
            }

            """)

    static let time = Entry(
        summary: "A time is a whole number and a unit, 1ms to 24h.",
        explanation: """
            The units are `ms`, `s`, `m` and `h`, right behind the number. For half a second write
            `500ms`.
            """,
        bad: """
            package clock.v1

            message Alarm {}

            service Bell {
                ring(Alarm) -> Alarm { deadline 5, role ctl }
            }

            """,
        good: """
            package clock.v1

            message Alarm {}

            service Bell {
                ring(Alarm) -> Alarm { deadline 5s, role ctl }
            }

            """)
}
