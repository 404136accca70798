/// What `explain` prints of a rule.
enum Explanation {
    typealias Subject = Diagnostic.Cause

    static func text(of subject: Subject) -> String {
        switch subject {
        case .language(let rule): text(of: rule)
        case .lint(let rule): "\(rule.id)\n\n\(rule.explanation)"
        }
    }

    static func text(of rule: Rule) -> String { "\(rule.id)" }
}
