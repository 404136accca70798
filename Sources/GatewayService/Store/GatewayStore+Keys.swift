import MeshAPI
import RPCRuntime
import SQLite
import Transport

/// The bearer token `zkk_<id>_<secret>`: 16 and 64 hexadecimal digits.
struct APIToken: Sendable {
    let id: String
    let secret: String

    var text: String { "zkk_\(id)_\(secret)" }

    /// Makes a token out of random bytes: 8 for the id and 32 for the secret.
    init(id: [UInt8], secret: [UInt8]) {
        self.id = hex(id)
        self.secret = hex(secret)
    }

    /// Nil when the text has another form.
    init?(parsing text: String) {
        let parts = text.split(separator: "_", omittingEmptySubsequences: false)
        guard text.utf8.count == 85, parts.count == 3, parts[0] == "zkk", parts[1].count == 16,
            parts[2].count == 64
        else { return nil }
        id = String(parts[1])
        secret = String(parts[2])
    }
}

/// Lower-case hexadecimal digits.
func hex(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count * 2)
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }
    return String(decoding: text, as: UTF8.self)
}

extension GatewayStore {
    /// Makes a key; the answer holds the only copy of its secret.
    func createKey(name: String, by creator: String, at now: Timestamp) throws(StoreError)
        -> CreatedKey
    {
        let token = APIToken(id: Crypto.randomBytes(8), secret: Crypto.randomBytes(32))
        let key = KeyInfo(id: token.id, name: name, createdAt: now, createdBy: creator)
        _ = try reading { () throws(SQLiteError) in
            try database.run(
                """
                INSERT INTO api_key (id, name, hash, created_at, created_by)
                VALUES (?1, ?2, ?3, ?4, ?5)
                """, .text(token.id), .text(name), .blob(hash(of: token)),
                .integer(now.microseconds), .text(creator))
        }
        return CreatedKey(key: key, token: token.text)
    }

    func keys() throws(StoreError) -> [KeyInfo] {
        try reading { () throws(SQLiteError) in
            try database.rows(
                """
                SELECT id, name, created_at, created_by, revoked_at, last_used_at FROM api_key
                ORDER BY created_at, id LIMIT 10000
                """, read: Self.keyInfo)
        }
    }

    /// Ends a key for good; one that has ended already keeps its first end.
    func revokeKey(_ id: String, at now: Timestamp) throws(StoreError) -> KeyInfo {
        let revoked = try reading { () throws(SQLiteError) in
            try database.rows(
                """
                UPDATE api_key SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1
                RETURNING id, name, created_at, created_by, revoked_at, last_used_at
                """, .text(id), .integer(now.microseconds), read: Self.keyInfo)
        }
        guard let key = revoked.first else { throw StoreError(.notFound, "no API key \(id)") }
        return key
    }

    /// The key that the token opens, if it exists, is right and is not revoked.
    func authenticate(_ token: APIToken, at now: Timestamp) throws(StoreError) -> KeyInfo? {
        try reading { () throws(SQLiteError) in
            let found = try database.rows(
                """
                SELECT id, name, created_at, created_by, revoked_at, last_used_at, hash
                FROM api_key WHERE id = ?1
                """, .text(token.id)
            ) { row throws(SQLiteError) in (key: try Self.keyInfo(row), hash: row.blob(6)) }
            // An unknown id costs the same hash, so that its absence is not heard.
            let expected = found.first?.hash ?? [UInt8](repeating: 0, count: 32)
            guard Crypto.constantTimeEqual(hash(of: token), expected), let found = found.first,
                found.key.revokedAt == nil
            else { return nil }
            // To the minute: a write per request would cost more than the answer.
            let minute: Int64 = 60_000_000
            if (found.key.lastUsedAt?.microseconds ?? .min) < now.microseconds - minute {
                try database.run(
                    "UPDATE api_key SET last_used_at = ?2 WHERE id = ?1", .text(token.id),
                    .integer(now.microseconds))
            }
            return found.key
        }
    }

    private func hash(of token: APIToken) -> [UInt8] {
        Crypto.hmacSHA256(key: pepper, Array(token.text.utf8))
    }

    private static func keyInfo(_ row: Statement) throws(SQLiteError) -> KeyInfo {
        KeyInfo(
            id: row.text(0), name: row.text(1),
            createdAt: Timestamp(microseconds: row.integer(2)), createdBy: row.text(3),
            revokedAt: row.optionalInteger(4).map(Timestamp.init(microseconds:)),
            lastUsedAt: row.optionalInteger(5).map(Timestamp.init(microseconds:)))
    }
}
