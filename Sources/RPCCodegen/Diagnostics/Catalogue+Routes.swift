// Where the HTTP edge has a method.

extension Catalogue {
    static let routeForm = Entry(
        summary: "The path of a route has `/` before each of its parts.",
        explanation: """
            A part is letters, digits, `-`, `.` and `_`, or the name of a field in braces. It is not
            empty, and neither `.` nor `..`. What stands behind a `?` is no part of the path: fields
            that are not in it are parameters there by themselves.
            """,
        bad: """
            package clock.v1

            message GetAlarm {
                id: uuid = 1
            }

            message Alarm {
                label: string = 1
            }

            service Bell {
                get(GetAlarm) -> Alarm { deadline 5s, role ctl, safe, get "v1/alarms/{id}" }
            }

            """,
        good: """
            package clock.v1

            message GetAlarm {
                id: uuid = 1
            }

            message Alarm {
                label: string = 1
            }

            service Bell {
                get(GetAlarm) -> Alarm { deadline 5s, role ctl, safe, get "/v1/alarms/{id}" }
            }

            """)

    static let routeVariable = Entry(
        summary: "Braces in a path name a field of the request, each once.",
        explanation: """
            The value at this place of the path becomes the value of the field. Correct the name, or
            add the field to the request.
            """,
        bad: """
            package clock.v1

            message GetAlarm {
                id: uuid = 1
            }

            message Alarm {
                label: string = 1
            }

            service Bell {
                get(GetAlarm) -> Alarm { deadline 5s, role ctl, safe, get "/v1/alarms/{ID}" }
            }

            """,
        good: """
            package clock.v1

            message GetAlarm {
                id: uuid = 1
            }

            message Alarm {
                label: string = 1
            }

            service Bell {
                get(GetAlarm) -> Alarm { deadline 5s, role ctl, safe, get "/v1/alarms/{id}" }
            }

            """)

    static let routeVariableType = Entry(
        summary: "What stands in a path is one short value.",
        explanation: """
            Strings, integers, bools, uuids and enums can be written there; floating-point numbers,
            bytes, times, messages, lists and maps cannot, nor can the choices of a oneof. Put the
            field into the body or behind the `?`.
            """,
        bad: """
            package clock.v1

            message GetAlarm {
                at: timestamp = 1
            }

            message Alarm {}

            service Bell {
                get(GetAlarm) -> Alarm { deadline 5s, role ctl, safe, get "/v1/alarms/{at}" }
            }

            """,
        good: """
            package clock.v1

            message GetAlarm {
                at: timestamp = 1
            }

            message Alarm {}

            service Bell {
                get(GetAlarm) -> Alarm { deadline 5s, role ctl, safe, get "/v1/alarms" }
            }

            """)

    static let routeQuery = Entry(
        summary: "Without a body, what is not in the path can be a parameter behind the `?`.",
        explanation: """
            Scalars, enums and lists of them can; messages, maps and the choices of a oneof cannot.
            Make the route a `post`, whose body holds all other fields, or name with `body` the field
            that is the body.
            """,
        bad: """
            package clock.v1

            message FindAlarm {
                like: Alarm = 1
            }

            message Alarm {}

            service Bell {
                find(FindAlarm) -> Alarm { deadline 5s, role ctl, safe, get "/v1/alarms" }
            }

            """,
        good: """
            package clock.v1

            message FindAlarm {
                like: Alarm = 1
            }

            message Alarm {}

            service Bell {
                find(FindAlarm) -> Alarm { deadline 5s, role ctl, safe, post "/v1/alarms/find" }
            }

            """)
}
