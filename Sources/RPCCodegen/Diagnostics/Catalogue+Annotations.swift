// The other annotations of methods, and their numbers.

extension Catalogue {
    static let unknownAnnotation = Entry(
        summary: "A method has only the annotations that there are.",
        explanation: """
            They are `deadline`, `idle`, `role`, `safe`, `idempotent`, `deprecated`, and the routes
            `get`, `post`, `put`, `patch` and `delete`. Correct the word.
            """,
        bad: """
            package clock.v1

            message Alarm {}

            service Bell {
                ring(Alarm) -> Alarm { timeout 5s, deadline 5s, role ctl }
            }

            """,
        good: """
            package clock.v1

            message Alarm {}

            service Bell {
                ring(Alarm) -> Alarm { deadline 5s, role ctl }
            }

            """)

    static let annotationTwice = Entry(
        summary: "Each annotation stands at a method once.",
        explanation: """
            Of two deadlines, routes or levels of idempotency nobody could tell which holds. Take one
            away. Only `role` may come again; it adds roles.
            """,
        bad: """
            package clock.v1

            message Alarm {}

            service Bell {
                ring(Alarm) -> Alarm { deadline 5s, deadline 10s, role ctl }
            }

            """,
        good: """
            package clock.v1

            message Alarm {}

            service Bell {
                ring(Alarm) -> Alarm { deadline 5s, role ctl }
            }

            """)

    static let methodNumberTwice = Entry(
        summary: "The methods of a schema have different numbers on the wire.",
        explanation: """
            A method is known there by a hash of 32 bits of its full name. Once in four thousand
            million pairs, two names have the same. Rename the one that no program uses yet.
            """,
        bad: """
            package clock.v1

            message Alarm {}

            service Bell {
                saveMainSpring(Alarm) -> Alarm { deadline 5s, role ctl }
                saveLocalHouses(Alarm) -> Alarm { deadline 5s, role ctl }
            }

            """,
        good: """
            package clock.v1

            message Alarm {}

            service Bell {
                saveMainSpring(Alarm) -> Alarm { deadline 5s, role ctl }
                storeLocalHouses(Alarm) -> Alarm { deadline 5s, role ctl }
            }

            """)

    static let keyField = Entry(
        summary: "`idempotent by` names a string, bytes or uuid field of the request.",
        explanation: """
            Calls with the same value of this field are taken for one. That needs a value which the
            caller makes up anew for each thing it wants done. Name such a field, or add one.
            """,
        bad: """
            package clock.v1

            message Alarm {
                room: uint32 = 1
                key: uuid = 2
            }

            service Bell {
                ring(Alarm) -> Alarm { deadline 5s, role ctl, idempotent by room }
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                room: uint32 = 1
                key: uuid = 2
            }

            service Bell {
                ring(Alarm) -> Alarm { deadline 5s, role ctl, idempotent by key }
            }

            """)

    static let keyOfStream = Entry(
        summary: "A method that takes a stream has no key.",
        explanation: """
            Its requests are many, and each could hold another key. Leave `by` out, or take one
            request.
            """,
        bad: """
            package clock.v1

            message Alarm {
                key: uuid = 1
            }

            service Bell {
                ring(stream Alarm) -> Alarm { deadline 5s, role ctl, idempotent by key }
            }

            """,
        good: """
            package clock.v1

            message Alarm {
                key: uuid = 1
            }

            service Bell {
                ring(Alarm) -> Alarm { deadline 5s, role ctl, idempotent by key }
            }

            """)
}
