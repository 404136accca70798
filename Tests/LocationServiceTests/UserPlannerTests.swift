import MeshAPI
import RPCRuntime
import Testing
import ZKProtocol

@testable import LocationService

@Suite struct UserPlannerTests {
    private let present = [
        DeviceUser(uid: 1, userID: "1", name: "Amal", card: 5),
        DeviceUser(uid: 7, userID: "2", name: "Basma"),
        DeviceUser(uid: 9, userID: "3", name: "Boss", privilege: 14),
    ]

    private func plan(
        _ desired: [UserSpec], removesOthers: Bool = false, allowsAdmins: Bool = false,
        form: UserLayout = .bytes72
    ) throws -> UserPlanner {
        try UserPlanner(
            present: present, desired: desired, removesOthers: removesOthers,
            allowsAdmins: allowsAdmins, fits: form)
    }

    @Test func `what is said is compared, and what is not stays`() throws {
        let plan = try plan([
            UserSpec(userID: "1", card: 6), UserSpec(userID: "2", name: "Basma"),
            UserSpec(userID: "4", name: "Chaker", password: "12"),
        ])
        #expect(plan.unchanged == 1 && plan.present == 3)
        #expect(plan.changes.map(\.kind) == [.change, .add])
        #expect(
            plan.changes[0].differences == [
                FieldChange(field: "card", before: "5", after: "6")
            ])
        #expect(plan.steps[0].user.name == "Amal" && plan.steps[0].user.uid == 1)
        // An index that nobody has had lately.
        #expect(plan.steps[1].user.uid == 10)
        #expect(!"\(plan.changes)".contains("12"))
    }

    @Test func `others are removed first and only when that is wanted`() throws {
        #expect(try plan([UserSpec(userID: "1")]).changes.isEmpty)
        let plan = try plan([UserSpec(userID: "1"), UserSpec(userID: "5")], removesOthers: true)
        #expect(plan.changes.map(\.kind) == [.remove, .add, .protected])
        #expect(plan.changes.map(\.userID) == ["2", "5", "3"])
        let all = try self.plan([], removesOthers: true, allowsAdmins: true)
        #expect(all.changes.map(\.userID) == ["1", "2", "3"] && all.protected.isEmpty)
    }

    @Test func `nobody gets or loses rights at the menu without a flag`() throws {
        let desired = [
            UserSpec(userID: "1", role: .enroller), UserSpec(userID: "3", role: .user),
            UserSpec(userID: "6", role: .administrator),
        ]
        let plan = try plan(desired)
        #expect(plan.steps.isEmpty && plan.protected.map(\.userID) == ["1", "3", "6"])
        let allowed = try self.plan(desired, allowsAdmins: true)
        #expect(allowed.steps.map(\.user.privilege) == [2, 0, 14])
        let disabled = try self.plan([UserSpec(userID: "2", disabled: true)])
        #expect(disabled.steps.map(\.user.privilege) == [1])
    }

    @Test func `a name that the terminal cuts is no difference the second time`() throws {
        let long = UserSpec(userID: "2", name: "Basma Abdelrahman the second")
        let first = try plan([long])
        let written = try #require(first.steps.first?.user)
        let again = try UserPlanner(
            present: [written], desired: [long], removesOthers: false, allowsAdmins: false,
            fits: .bytes72)
        #expect(again.changes.isEmpty && again.unchanged == 1)
    }

    @Test(arguments: [
        UserSpec(userID: ""), UserSpec(userID: "a b"), UserSpec(userID: "٣"),
        UserSpec(userID: "1", name: "a\u{7}"), UserSpec(userID: "1", password: "12a"),
        UserSpec(userID: "1", role: TerminalRole(rawValue: 3)),
    ])
    func `what no terminal can have is refused`(user: UserSpec) throws {
        let error = #expect(throws: RPCError.self) { _ = try plan([user]) }
        #expect(error?.code == .invalidArgument && error?.command.certainty == .notSent)
    }

    @Test func `an id that does not fit, or comes twice, is refused`() throws {
        let twice = #expect(throws: RPCError.self) {
            _ = try plan([UserSpec(userID: "8"), UserSpec(userID: "8")])
        }
        #expect(twice?.message.contains("twice") == true)
        let letters = #expect(throws: RPCError.self) {
            _ = try plan([UserSpec(userID: "A8")], form: .bytes28)
        }
        #expect(letters?.message.contains("28 bytes") == true)
    }
}

@Suite struct AddressRangeTests {
    @Test func `a network has its hosts, without its first and last address`() throws {
        let range = try AddressRange("192.168.1.77/24")
        #expect(range.count == 254 && range[0] == "192.168.1.1" && range[253] == "192.168.1.254")
        #expect(try AddressRange("10.1.2.3").count == 1)
        #expect(try AddressRange("10.1.2.3")[0] == "10.1.2.3")
        #expect(try AddressRange("10.1.2.3/31").count == 2)
        #expect(try AddressRange("172.16.0.0/16").count == 65_534)
        #expect(try AddressRange("255.255.255.255/32")[0] == "255.255.255.255")
    }

    @Test(arguments: [
        "", "10.0.0.0/15", "10.0.0.0/0", "10.0.0", "10.0.0.256/24", "10.0.0.0/33", "10.0.0.0/",
        "::1/64", "10.0.0.0/24/1", "a.b.c.d", "10.0.0.1 ", "0010.0.0.1",
    ])
    func `what is no network, or too wide, is refused`(text: String) {
        let error = #expect(throws: RPCError.self) { _ = try AddressRange(text) }
        #expect(error?.code == .invalidArgument)
    }
}
