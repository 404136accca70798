import Foundation
import MeshAPI
import ServiceKit
import TestSupport
import Testing

@testable import ctl

@Suite struct DesiredStateTests {
    private let folder: TemporaryDirectory

    init() throws { folder = try TemporaryDirectory() }

    private func read(_ text: String, _ name: String) throws -> DesiredState {
        try text.write(toFile: folder.file(name), atomically: true, encoding: .utf8)
        return try DesiredState(file: folder.file(name))
    }

    @Test func `JSON5 says who shall be there, and leaves out what shall stay`() throws {
        let state = try read(
            """
            { // The night shift.
              removeOthers: true,
              users: [
                { id: "007", name: "Amal", role: "enroller", card: 4294967295, group: 3,
                  disabled: true, password: "1234" },
                { id: "8" },
              ] }
            """, "users.json5")
        #expect(state.removeOthers && !state.allowAdmins)
        #expect(
            state.users == [
                UserSpec(
                    userID: "007", name: "Amal", role: .enroller, disabled: true,
                    card: .max, group: 3, password: "1234"), UserSpec(userID: "8"),
            ])
    }

    @Test func `CSV says the same, with quotes, a byte order mark and either line end`() throws {
        let state = try read(
            "\u{FEFF}id,name,role,card,group,disabled,password\r\n"
                + "007,\"Amal, \"\"the\"\" first\",enroller,5,3,yes,1234\r\n\n8,,,,,,\n",
            "users.csv")
        #expect(!state.removeOthers)
        #expect(
            state.users == [
                UserSpec(
                    userID: "007", name: "Amal, \"the\" first", role: .enroller, disabled: true,
                    card: 5, group: 3, password: "1234"), UserSpec(userID: "8"),
            ])
    }

    @Test(arguments: [
        ("{ users: [{ id: '1', nmae: 'x' }] }", "a.json5", "nmae"),
        ("{ users: [{ id: '1', role: 'boss' }] }", "a.json5", "administrator"),
        ("{ users: [{ id: '1' }, { id: '1' }] }", "a.json5", "twice"),
        ("{ users: [{ id: '1', password: '12x' }] }", "a.json5", "digits"),
        ("id,nmae\n1,x\n", "a.csv", "did you mean `name`"),
        ("name\nx\n", "a.csv", "no column `id`"),
        ("id,name\n1,x,y\n", "a.csv", "a.csv:2: 3 fields"),
        ("id,card\n1,-4\n", "a.csv", "a.csv:2: `card` is `-4`"),
        ("id,disabled\n1,maybe\n", "a.csv", "yes and no"),
        ("id\n\"1\n", "a.csv", "a quote has no end"),
        ("id\n1\"\n", "a.csv", "a quote inside of a field"),
        ("", "a.csv", "is empty"),
    ])
    func `a mistake is named with its place`(text: String, name: String, words: String) throws {
        let error = #expect(throws: ConfigurationError.self) { _ = try read(text, name) }
        #expect(error?.message.contains(words) == true, "\(String(describing: error))")
    }
}
