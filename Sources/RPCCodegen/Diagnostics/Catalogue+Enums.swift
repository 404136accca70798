// Values of enums.

extension Catalogue {
    static let missingZero = Entry(
        summary: "Every enum has the value 0.",
        explanation: """
            A field has it until it is set, and so do messages of programs that do not know the
            field. Let 0 mean that nothing is known, such as `unspecified`, or what is harmless.
            """,
        bad: """
            package clock.v1

            enum Volume {
                quiet = 1
                loud = 2
            }

            """,
        good: """
            package clock.v1

            enum Volume {
                unspecified = 0
                quiet = 1
                loud = 2
            }

            """)

    static let valueNumberRange = Entry(
        summary: "The numbers of values are -2,147,483,648 to 2,147,483,647.",
        explanation: """
            The number of a value has 32 bits and a sign. Take a smaller one.
            """,
        bad: """
            package clock.v1

            enum Volume {
                quiet = 0
                loud = 4294967295
            }

            """,
        good: """
            package clock.v1

            enum Volume {
                quiet = 0
                loud = 1
            }

            """)

    static let valueNumberTwice = Entry(
        summary: "The values of an enum have different numbers.",
        explanation: """
            Only the number is sent, so two names of one number could not be told apart. Give the
            newer one the number that the message says is free.
            """,
        bad: """
            package clock.v1

            enum Volume {
                quiet = 0
                loud = 1
                shrill = 1
            }

            """,
        good: """
            package clock.v1

            enum Volume {
                quiet = 0
                loud = 1
                shrill = 2
            }

            """)
}
