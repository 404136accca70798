import Foundation
import MeshAPI
import ServiceKit

/// Who shall be in a terminal, from a file.
///
/// JSON5: `{ removeOthers: false, users: [{ id: "12", name: "Amal", role: "user", card: 5551234,
/// group: 1, disabled: false, password: "1234" }] }`. CSV: a line of titles with the same names,
/// `id` among them; an empty field says nothing.
struct DesiredState: Sendable {
    static let usersMax = 20_000
    static let roles: [TerminalRole] = [.user, .enroller, .manager, .administrator]

    var users: [UserSpec] = []
    var removeOthers = false
    var allowAdmins = false

    init(file: String) throws(ConfigurationError) {
        if file.lowercased().hasSuffix(".csv") {
            try readCSV(file)
        } else {
            try readJSON(file)
        }
        var seen: Set<String> = []
        for user in users {
            try Self.check(user)
            guard seen.insert(user.userID).inserted else {
                throw ConfigurationError("\(file) has the user \(user.userID) twice")
            }
        }
    }

    func request(_ target: DeviceTarget) -> DesiredUsers {
        DesiredUsers(
            target: target, users: users, removeOthers: removeOthers, allowAdmins: allowAdmins)
    }

    static func role(_ word: String) -> TerminalRole? { roles.first { $0.word == word } }

    /// Refuses what the schema has no room for, with words that name it.
    static func check(_ user: UserSpec) throws(ConfigurationError) {
        func wrong(_ why: String) -> ConfigurationError {
            ConfigurationError("the user `\(user.userID)` \(why)")
        }
        guard 1...24 ~= user.userID.utf8.count else {
            throw wrong("has an id of 0 or over 24 bytes")
        }
        if let name = user.name, name.utf8.count > 64 {
            throw wrong("has a name of \(name.utf8.count) bytes; allowed are 64")
        }
        if let password = user.password {
            let isRight = password.utf8.count <= 8 && password.utf8.allSatisfy { 48...57 ~= $0 }
            guard isRight else { throw wrong("has a password that is not 0 to 8 digits") }
        }
    }

    // MARK: JSON5

    private mutating func readJSON(_ file: String) throws(ConfigurationError) {
        let root = try Configuration(file: file, environment: [:], prefix: "CTL_USERS")
        removeOthers = try root.boolean("removeOthers", default: false)
        for section in try root.sections("users", maxCount: Self.usersMax) {
            var user = UserSpec(userID: try section.string("id", max: 24))
            user.name = try section.optionalString("name", max: 64)
            if let word = try section.optionalString("role", max: 16) {
                guard let role = Self.role(word) else {
                    throw section.error("role", Self.wrong(word))
                }
                user.role = role
            }
            if try section.has("disabled") {
                user.disabled = try section.boolean("disabled", default: false)
            }
            if try section.has("card") {
                user.card = UInt32(
                    clamping: try section.integer("card", default: 0, in: 0...Int(UInt32.max)))
            }
            if try section.has("group") {
                user.group = UInt32(
                    clamping: try section.integer("group", default: 1, in: 1...99))
            }
            user.password = try section.optionalString("password", max: 8)
            users.append(user)
        }
        try root.finish()
    }

    private static func wrong(_ role: String) -> String {
        "is `\(role)`; allowed are \(roles.map(\.word).joined(separator: ", "))"
    }

    // MARK: CSV

    private static let titles = ["id", "name", "role", "card", "group", "disabled", "password"]

    private mutating func readCSV(_ file: String) throws(ConfigurationError) {
        let data: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(filePath: file))
            defer { try? handle.close() }
            data = try handle.read(upToCount: (4 << 20) + 1) ?? Data()
        } catch {
            throw ConfigurationError("cannot read \(file): \(error.localizedDescription)")
        }
        guard data.count <= 4 << 20 else { throw ConfigurationError("\(file) has over 4 MiB") }
        let rows = try CSVReader.rows(String(decoding: data, as: UTF8.self), from: file)
        guard let first = rows.first else { throw ConfigurationError("\(file) is empty") }
        let columns = first.fields.map { $0.lowercased() }
        for column in columns where !Self.titles.contains(column) {
            let hint = closest(to: column, in: Self.titles).map { "; did you mean `\($0)`?" } ?? ""
            throw ConfigurationError("\(file) has the unknown column `\(column)`\(hint)")
        }
        guard columns.contains("id"), Set(columns).count == columns.count else {
            throw ConfigurationError("\(file) has no column `id`, or one column twice")
        }
        guard rows.count - 1 <= Self.usersMax else {
            throw ConfigurationError(
                "\(file) has \(rows.count - 1) users; allowed are \(Self.usersMax)")
        }
        for row in rows.dropFirst() {
            guard row.fields.count == columns.count else {
                throw ConfigurationError(
                    "\(file):\(row.line): \(row.fields.count) fields; the first line has "
                        + "\(columns.count)")
            }
            users.append(try Self.user(zip(columns, row.fields), "\(file):\(row.line)"))
        }
    }

    private static func user(
        _ fields: some Sequence<(String, String)>, _ place: String
    ) throws(ConfigurationError) -> UserSpec {
        var user = UserSpec()
        func wrong(_ column: String, _ why: String) -> ConfigurationError {
            ConfigurationError("\(place): `\(column)` \(why)")
        }
        for (column, value) in fields where !value.isEmpty {
            switch column {
            case "id": user.userID = value
            case "name": user.name = value
            case "role":
                guard let role = role(value) else { throw wrong(column, Self.wrong(value)) }
                user.role = role
            case "card":
                guard let card = UInt32(value) else {
                    throw wrong(column, "is `\(value)`, no number from 0 to 4294967295")
                }
                user.card = card
            case "group":
                guard let group = UInt32(value), 1...99 ~= group else {
                    throw wrong(column, "is `\(value)`, no number from 1 to 99")
                }
                user.group = group
            case "disabled":
                switch value.lowercased() {
                case "yes", "true", "1": user.disabled = true
                case "no", "false", "0": user.disabled = false
                default: throw wrong(column, "is `\(value)`; allowed are yes and no")
                }
            default: user.password = value
            }
        }
        return user
    }
}
