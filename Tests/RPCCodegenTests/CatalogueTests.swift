import Foundation
import TestSupport
import Testing

@testable import RPCCodegen

/// The catalogue of rules is true: each example does what its entry says.
@Suite struct CatalogueTests {
    @Test(arguments: Rule.allCases)
    func `the wrong example breaks its rule and no other`(_ rule: Rule) {
        let example = Catalogue.entry(of: rule).bad
        let mistakes = example.mistakes(of: rule, example.compile())
        #expect(mistakes.map(\.rule.id) == [rule.id], "\(example.report(of: rule))")
    }

    @Test(arguments: Rule.allCases)
    func `the right example has no mistake`(_ rule: Rule) {
        let example = Catalogue.entry(of: rule).good
        #expect(example.report(of: rule) == "")
        #expect(example.compile().diagnostics.all.isEmpty)
    }

    @Test(arguments: Rule.allCases)
    func `what would mend the wrong example does`(_ rule: Rule) {
        let example = Catalogue.entry(of: rule).bad
        for mistake in example.mistakes(of: rule, example.compile()) {
            guard let fix = mistake.fix else { continue }
            var mended = example
            for (index, file) in example.files.enumerated() where file.path == mistake.path {
                mended.files[index].text = file.text.applying(fix)
            }
            #expect(mended.report(of: rule) == "")
        }
    }

    @Test func `most mistakes with an obvious remedy offer it`() {
        let mended = Rule.allCases.filter { rule in
            let example = Catalogue.entry(of: rule).bad
            return example.mistakes(of: rule, example.compile()).contains { $0.fix != nil }
        }
        #expect(mended.count >= 40)
    }

    @Test func `texts are sentences, and the right example differs from the wrong one`() {
        for rule in Rule.allCases {
            let entry = Catalogue.entry(of: rule)
            #expect(entry.summary.hasSuffix(".") && entry.summary.count <= 90, "\(rule.id)")
            #expect(entry.explanation.hasSuffix("."), "\(rule.id)")
            for line in entry.explanation.split(separator: "\n") { #expect(line.count <= 100) }
            #expect(entry.bad.files.map(\.text) != entry.good.files.map(\.text), "\(rule.id)")
        }
    }

    @Test func `each rule is in one group, and found by its number`() {
        for rule in Rule.allCases {
            let groups = Catalogue.groups.filter { $0.rules.contains(rule.rawValue) }
            #expect(groups.count == 1, "\(rule.id)")
            #expect(Rule(id: rule.id) == rule)
            #expect(Rule(id: rule.id.lowercased()) == rule)
            #expect(Rule(id: String(rule.rawValue)) == rule)
        }
        for text in ["", "IDL", "IDL000", "IDL999", "x42", "-1"] { #expect(Rule(id: text) == nil) }
    }

    @Test func `an explanation shows the mistake`() {
        #expect(
            Catalogue.explanation(of: .openUnary) == """
                IDL085: Only a method that streams has `deadline none`.

                One request with one response has an end, and whoever waits for it must learn in time
                that it does not come. Write how long that may take.

                Wrong:

                    package clock.v1

                    message Alarm {}

                    service Bell {
                        ring(Alarm) -> Alarm { deadline none, role ctl }
                    }

                    schema.rpc:6:37: error: a call without a stream has a deadline; `none` is for \
                streams [IDL085]
                        ring(Alarm) -> Alarm { deadline none, role ctl }
                                                        ^~~~

                Right:

                    package clock.v1

                    message Alarm {}

                    service Bell {
                        ring(Alarm) -> Alarm { deadline 5s, role ctl }
                    }

                """)
    }

    @Test func `docs DIAGNOSTICS is made from the catalogue`() throws {
        let path = "\(repositoryRoot)/docs/DIAGNOSTICS.md"
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] != nil {
            try Catalogue.page.write(toFile: path, atomically: true, encoding: .utf8)
        }
        let page = try String(contentsOfFile: path, encoding: .utf8)
        #expect(page == Catalogue.page, "UPDATE_GOLDEN=1 rewrites \(path)")
    }
}
