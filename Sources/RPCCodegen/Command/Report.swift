/// Prints mistakes and warnings.
struct Report {
    let arguments: Arguments
    let print: (String) -> Void

    /// Returns the exit status.
    func status(
        _ diagnostics: [Diagnostic], _ source: (String) -> SourceText?
    ) -> Int32 {
        if arguments.wantsJSON {
            print(DiagnosticsJSON.text(diagnostics, source))
        } else {
            for diagnostic in diagnostics { print(diagnostic.rendered(source)) }
        }
        return diagnostics.isEmpty ? 0 : 1
    }
}
