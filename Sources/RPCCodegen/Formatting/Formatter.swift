/// Writes a schema in the one form that all schemas have.
///
/// The form decides spaces, line breaks and indentation only: words, signs and comments stay as
/// they are and in their order.
enum Formatter {
    /// A method whose annotations reach beyond this column has each of them on its own line.
    static let columnMax = 100

    /// How deep braces may be nested: a line costs as much space as it is indented.
    static let depthMax = 32

    /// The formatted schema; nil when its words or brackets have mistakes.
    static func formatted(_ source: SourceText) -> [UInt8]? {
        guard let input = FormatterInput(source) else { return nil }
        var layout = FormatterLayout(input)
        layout.run()
        return layout.output.bytes
    }
}
