// Which methods can have a route, and what of a request is its body.

extension Catalogue {
    static let routeBody = Entry(
        summary: "`body` names a field that is not in the path, of a `post`, `put` or `patch`.",
        explanation: """
            The body of the HTTP request is then this field, and the others are parameters. Without
            `body` it is all fields that are not in the path. A `get` or `delete` has no body.
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
                get(GetAlarm) -> Alarm { deadline 5s, role ctl, safe, get "/v1/alarms" body id }
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
                get(GetAlarm) -> Alarm { deadline 5s, role ctl, safe, get "/v1/alarms" }
            }

            """)

    static let routeKind = Entry(
        summary: "A method that takes a stream has no route.",
        explanation: """
            A request of HTTP has one body, which comes before the response. Take the route away, or
            take one request. A stream of responses is possible.
            """,
        bad: """
            package clock.v1

            message Alarm {}

            service Bell {
                record(stream Alarm) -> Alarm { deadline 5s, role ctl, post "/v1/alarms" }
            }

            """,
        good: """
            package clock.v1

            message Alarm {}

            service Bell {
                record(stream Alarm) -> Alarm { deadline 5s, role ctl }
            }

            """)

    static let routeTwice = Entry(
        summary: "Two methods of a schema do not have one route.",
        explanation: """
            A request could not be given to either. The names of fields in a path make no difference:
            `/v1/alarms/{id}` and `/v1/alarms/{label}` are one. Change one of the paths.
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
                get(GetAlarm) -> Alarm { deadline 5s, role ctl, safe, get "/v1/alarms/{id}" }
                named(Alarm) -> Alarm { deadline 5s, role ctl, safe, get "/v1/alarms/{label}" }
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
                named(Alarm) -> Alarm { deadline 5s, role ctl, safe, get "/v1/names/{label}" }
            }

            """)

    static let safeRoute = Entry(
        summary: "A method with a `get` is `safe`.",
        explanation: """
            Browsers, caches and crawlers repeat a GET as they like, since it changes nothing. Say
            that this holds with `safe`, or make the route a `post`.
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
                get(GetAlarm) -> Alarm { deadline 5s, role ctl, get "/v1/alarms/{id}" }
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

    static let resume = Entry(
        summary: "`resume` names a parameter of the request and a field of the streamed messages.",
        explanation: """
            A reader whose stream is cut off says what it had last, and goes on behind it. What it
            says is the second field of a message, and the method gets it in the first, a parameter
            behind the `?`; both are plain strings. Only a stream of responses is resumed.
            """,
        bad: """
            package clock.v1

            message WatchAlarms {
                after: string = 1
            }

            message Alarm {
                number: uint64 = 1
                cursor: string = 2
            }

            service Bell {
                watch(WatchAlarms) -> stream Alarm {
                    deadline none, role ctl, safe, get "/v1/alarms" resume after from number
                }
            }

            """,
        good: """
            package clock.v1

            message WatchAlarms {
                after: string = 1
            }

            message Alarm {
                number: uint64 = 1
                cursor: string = 2
            }

            service Bell {
                watch(WatchAlarms) -> stream Alarm {
                    deadline none, role ctl, safe, get "/v1/alarms" resume after from cursor
                }
            }

            """)
}
