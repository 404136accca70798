// The head of a schema: its package and its imports.

extension Catalogue {
    private static let volume = (
        path: "volume.rpc", text: "package clock.v1\n\nenum Volume {\n    quiet = 0\n}\n"
    )

    static let missingPackage = Entry(
        summary: "Every schema has a package.",
        explanation: """
            The full names of messages and methods begin with it: they are what programs tell each
            other apart by. Begin the file with one. A version at its end, such as `.v1`, lets a
            later and incompatible form stand beside it.
            """,
        bad: """
            message Alarm {}

            """,
        good: """
            package clock.v1

            message Alarm {}

            """)

    static let packagePlace = Entry(
        summary: "There is one `package`, the first statement of the file.",
        explanation: """
            Everything in a file belongs to one package. Put what belongs to another package into
            a file of its own.
            """,
        bad: """
            package clock.v1
            package bell.v1

            message Alarm {}

            """,
        good: """
            package clock.v1

            message Alarm {}

            """)

    static let packageForm = Entry(
        summary: "The name of a package is in lower case.",
        explanation: """
            It has small letters, digits and `_`, in parts with dots between them, each of which
            begins with a small letter. Then it cannot be mistaken for the name of a type.
            """,
        bad: """
            package Clock.v1

            message Alarm {}

            """,
        good: """
            package clock.v1

            message Alarm {}

            """)

    static let importPath = Entry(
        summary: "An import names a schema by its path from the root.",
        explanation: """
            The path begins at the root of the schemas, whatever folder the importing file is in,
            and ends in `.rpc`. It has `/` between its parts, none of which is empty, `.` or `..`.
            """,
        bad: Example(
            (
                "alarm.rpc",
                """
                package clock.v1

                import "./volume.rpc"

                message Alarm {
                    volume: Volume = 1
                }

                """
            ), volume),
        good: Example(("alarm.rpc", alarm), volume))

    static let importMissing = Entry(
        summary: "There is a schema of the path that an import names.",
        explanation: """
            No file has this path below the root of the schemas. Correct the path, or add the file.
            """,
        bad: Example(
            (
                "alarm.rpc",
                """
                package clock.v1

                import "volumes.rpc"

                message Alarm {
                    volume: Volume = 1
                }

                """
            ), volume),
        good: Example(("alarm.rpc", alarm), volume))

    static let importTwice = Entry(
        summary: "A schema is imported once.",
        explanation: """
            The second import adds nothing. Take it away.
            """,
        bad: Example(
            (
                "alarm.rpc",
                """
                package clock.v1

                import "volume.rpc"
                import "volume.rpc"

                message Alarm {
                    volume: Volume = 1
                }

                """
            ), volume),
        good: Example(("alarm.rpc", alarm), volume))

    static let importCycle = Entry(
        summary: "Imports form no cycle.",
        explanation: """
            What imports each other can only be understood together, so it is one schema. Put it
            into one file, or put what both need into a third file that imports neither.
            """,
        bad: Example(
            (
                "alarm.rpc",
                """
                package clock.v1

                import "bell.rpc"

                message Alarm {
                    bell: Bell = 1
                }

                """
            ),
            ("bell.rpc", "package clock.v1\n\nimport \"alarm.rpc\"\n\nmessage Bell {}\n")),
        good: Example(
            (
                "alarm.rpc",
                """
                package clock.v1

                import "bell.rpc"

                message Alarm {
                    bell: Bell = 1
                }

                """
            ),
            ("bell.rpc", "package clock.v1\n\nmessage Bell {}\n")))

    static let importPlace = Entry(
        summary: "Imports come before the declarations.",
        explanation: """
            Whoever reads the file then knows at once what it builds on. Move the import up, behind
            `package`.
            """,
        bad: Example(
            (
                "alarm.rpc",
                """
                package clock.v1

                message Alarm {
                    volume: Volume = 1
                }

                import "volume.rpc"

                """
            ), volume),
        good: Example(("alarm.rpc", alarm), volume))

    static let brokenImport = Entry(
        summary: "What a schema imports has no mistakes.",
        explanation: """
            No code can be made for a schema while one that it imports is not understood. The
            mistakes of the other are reported in its own run. Mend them first.
            """,
        bad: Example(
            ("alarm.rpc", alarm),
            ("volume.rpc", "package clock.v1\n\nenum Volume {\n    quiet = 1\n}\n")),
        good: Example(("alarm.rpc", alarm), volume))

    private static let alarm = """
        package clock.v1

        import "volume.rpc"

        message Alarm {
            volume: Volume = 1
        }

        """
}
