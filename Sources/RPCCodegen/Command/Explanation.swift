/// What `explain` prints of a rule.
enum Explanation {
    enum Subject {
        case language(Rule)
        case lint(LintRule)
        case breaking(BreakingRule)

        /// The rule of an id, such as `IDL042`.
        init?(id: String) {
            if let rule = Rule(id: id) {
                self = .language(rule)
            } else if let rule = LintRule(id: id) {
                self = .lint(rule)
            } else if let rule = BreakingRule(id: id) {
                self = .breaking(rule)
            } else {
                return nil
            }
        }

        static var ids: [String] {
            Rule.allCases.map(\.id) + LintRule.allCases.map(\.id) + BreakingRule.allCases.map(\.id)
        }
    }

    static func text(of subject: Subject) -> String {
        switch subject {
        case .language(let rule): Catalogue.explanation(of: rule)
        case .lint(let rule): "\(rule.id)\n\n\(rule.explanation)"
        case .breaking(let rule):
            "\(rule.id) (\(rule.level.rawValue)): \(rule.statement).\n\n"
                + "Whom it hurts: \(rule.hurts).\nWhat to do: \(rule.remedy)."
        }
    }
}
