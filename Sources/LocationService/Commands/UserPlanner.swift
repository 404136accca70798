import MeshAPI
import RPCRuntime
import ZKProtocol

/// Compares who is in a terminal with who shall be there.
struct UserPlanner: Sendable {
    /// A change, and the record that makes it so; nil where the person is removed.
    struct Step: Sendable {
        var change: UserChange
        var user: DeviceUser
        var isRemoval: Bool
    }

    private(set) var steps: [Step] = []
    /// What would change and does not, because it takes `allowAdmins`.
    private(set) var protected: [UserChange] = []
    private(set) var unchanged = 0
    let present: Int

    /// Everything that would happen, in the order in which it would.
    var changes: [UserChange] { steps.map(\.change) + protected }

    /// - Parameters:
    ///   - present: Who is in the terminal.
    ///   - desired: Who shall be there, each once.
    ///   - removesOthers: Whether everyone else is removed.
    ///   - allowsAdmins: Whether people with rights at the terminal's menu are made and changed.
    ///   - form: The terminal's records, which cut long names: what is cut is no difference.
    init(
        present: [DeviceUser], desired: [UserSpec], removesOthers: Bool, allowsAdmins: Bool,
        fits form: UserLayout
    ) throws(RPCError) {
        self.present = present.count
        var known = Dictionary(present.map { ($0.userID, $0) }) { first, _ in first }
        var indexes = FreeIndexes(taken: present.map(\.uid))
        var seen: Set<String> = []
        var removals: [Step] = []
        for spec in desired {
            try Self.check(spec)
            guard seen.insert(spec.userID).inserted else {
                throw RPCError(
                    .invalidArgument, "the user \(spec.userID) is there twice", command: .notSent)
            }
            let before = known.removeValue(forKey: spec.userID)
            var after = before ?? DeviceUser(uid: 0, userID: spec.userID)
            after.take(spec)
            after = try Self.kept(after, form)
            let fields = Self.differences(before, after)
            if before != nil, fields.isEmpty {
                unchanged += 1
                continue
            }
            var change = UserChange(
                kind: before == nil ? .add : .change, userID: spec.userID,
                name: after.name.clipped(toBytes: 128), differences: fields)
            if !allowsAdmins, after.isPrivileged || before?.isPrivileged ?? false {
                change.kind = .protected
                protected.append(change)
                continue
            }
            if before == nil {
                guard let index = indexes.next() else {
                    throw RPCError(
                        .resourceExhausted, "the terminal has no index left for another user",
                        command: .notSent)
                }
                after.uid = index
            }
            steps.append(Step(change: change, user: after, isRemoval: false))
        }
        guard removesOthers else { return }
        for user in present where known[user.userID] != nil {
            var change = UserChange(
                kind: .remove, userID: user.userID.clipped(toBytes: 64),
                name: user.name.clipped(toBytes: 128))
            if !allowsAdmins, user.isPrivileged {
                change.kind = .protected
                protected.append(change)
            } else {
                removals.append(Step(change: change, user: user, isRemoval: true))
            }
        }
        // First, because they make room.
        steps = removals + steps
    }

    /// Refuses what no terminal can have.
    static func check(_ spec: UserSpec) throws(RPCError) {
        func wrong(_ why: String) -> RPCError {
            RPCError(.invalidArgument, "the user `\(spec.userID)` \(why)", command: .notSent)
        }
        guard !spec.userID.isEmpty else { throw wrong("has no id") }
        let isPlain = spec.userID.utf8.allSatisfy { 0x21...0x7E ~= $0 }
        guard isPlain else { throw wrong("has an id with more than letters, digits and signs") }
        if let password = spec.password, !password.utf8.allSatisfy({ 48...57 ~= $0 }) {
            throw wrong("has a password with more than digits, which is all that can be typed")
        }
        if let name = spec.name, name.unicodeScalars.contains(where: { $0.value < 0x20 }) {
            throw wrong("has a name with control characters")
        }
        if case .unrecognized(let role)? = spec.role { throw wrong("has the unknown role \(role)") }
    }

    /// The user as the terminal will give it back.
    private static func kept(
        _ user: DeviceUser, _ form: UserLayout
    ) throws(RPCError) -> DeviceUser {
        guard let record = user.encoded(form), let kept = try? DeviceUser(decoding: record),
            kept.userID == user.userID
        else {
            throw RPCError(
                .invalidArgument,
                "the id `\(user.userID)` does not fit into this terminal, whose user records "
                    + "have \(form.stride) bytes", command: .notSent)
        }
        return kept
    }

    private static func differences(_ before: DeviceUser?, _ after: DeviceUser) -> [FieldChange] {
        var fields: [FieldChange] = []
        func compare(_ field: String, _ value: (DeviceUser) -> String) {
            let old = before.map(value) ?? ""
            let new = value(after)
            if old != new {
                fields.append(
                    FieldChange(
                        field: field, before: old.clipped(toBytes: 128),
                        after: new.clipped(toBytes: 128)))
            }
        }
        compare("name") { $0.name }
        compare("role") { $0.privilege & 14 == 0 ? "" : $0.role.words }
        compare("disabled") { $0.isDisabled ? "yes" : "" }
        compare("card") { $0.card == 0 ? "" : "\($0.card)" }
        compare("group") { $0.group <= 1 ? "" : "\($0.group)" }
        if (before?.password ?? "") != after.password {
            fields.append(
                FieldChange(
                    field: "password", before: before?.password.isEmpty ?? true ? "" : "set",
                    after: after.password.isEmpty ? "" : "set anew"))
        }
        return fields
    }
}

/// Indexes that no user has.
///
/// Above all that are taken first: a row in the log that has only the index must not become
/// somebody else's.
private struct FreeIndexes {
    private var taken: Set<UInt16>
    private var candidate: Int

    init(taken: [UInt16]) {
        self.taken = Set(taken)
        candidate = Int(taken.max() ?? 0) + 1
    }

    mutating func next() -> UInt16? {
        guard taken.count < 65_534 else { return nil }
        while true {
            if candidate > 65_534 { candidate = 1 }
            let index = UInt16(candidate)
            candidate += 1
            if taken.insert(index).inserted { return index }
        }
    }
}

extension DeviceUser {
    /// The lowest bit of the privilege.
    var isDisabled: Bool { privilege & 1 != 0 }

    /// Whether the person has more rights at the terminal's menu than anyone.
    var isPrivileged: Bool { privilege & ~1 != 0 }

    var role: TerminalRole { TerminalRole(rawValue: Int32(privilege & ~1)) }

    /// Becomes what is wanted; what is not said stays.
    mutating func take(_ spec: UserSpec) {
        if let name = spec.name { self.name = name }
        if let role = spec.role {
            privilege = UInt8(truncatingIfNeeded: role.rawValue) & ~1 | privilege & 1
        }
        if let disabled = spec.disabled { privilege = privilege & ~1 | (disabled ? 1 : 0) }
        if let card = spec.card { self.card = card }
        if let group = spec.group { groupByte = UInt8(clamping: max(group, 1)) }
        if let password = spec.password { self.password = password }
    }

    /// The user without what proves who they are.
    var shown: TerminalUser {
        TerminalUser(
            userID: userID.clipped(toBytes: 64), name: name.clipped(toBytes: 128), role: role,
            disabled: isDisabled, card: card, group: UInt32(clamping: group),
            hasPassword: !password.isEmpty, index: UInt32(uid))
    }
}

extension TerminalRole {
    /// For people.
    var words: String {
        switch self {
        case .user: "user"
        case .enroller: "enroller"
        case .manager: "manager"
        case .administrator: "administrator"
        case .unrecognized(let number): "role \(number)"
        }
    }
}
