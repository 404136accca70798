import Foundation
import MeshAPI
import RPCRuntime
import Transport

/// Where a reader of punches stands: opaque to it, and not to be forged.
///
/// Layout: version (1), store id (16), commit sequence (8, big-endian), filter hash (16), and the
/// first 16 bytes of the HMAC-SHA-256 of these; all of it in base64url.
struct PageCursor: Sendable, Hashable {
    /// Why a cursor cannot be used.
    enum Failure: Error, Hashable, Sendable {
        /// No cursor, or changed on the way.
        case malformed
        /// Made for other filters.
        case otherFilter
        /// Made by another store, or by a state of this one that was lost.
        case otherStore
    }

    var storeID: [UInt8]
    var sequence: Int64
    var filterHash: [UInt8]

    private static let version: UInt8 = 1
    private static let payloadLength = 1 + 16 + 8 + 16
    private static let macLength = 16

    init(storeID: [UInt8], sequence: Int64, filter: PunchFilter) {
        self.storeID = storeID
        self.sequence = sequence
        filterHash = Self.hash(filter)
    }

    func text(key: [UInt8]) -> String {
        var bytes = [Self.version] + storeID
        let number = UInt64(bitPattern: sequence)
        for shift in stride(from: 56, through: 0, by: -8) {
            bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
        }
        bytes += filterHash
        bytes += Crypto.hmacSHA256(key: key, bytes).prefix(Self.macLength)
        return Data(bytes).base64EncodedString()
            .replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// Reads a cursor and checks that it belongs to this store, this filter and this past.
    init(
        parsing text: String, key: [UInt8], storeID: [UInt8], filter: PunchFilter,
        lastCommit: Int64
    ) throws(Failure) {
        let standard = text.replacing("-", with: "+").replacing("_", with: "/")
        let padding = String(repeating: "=", count: (4 - standard.utf8.count % 4) % 4)
        guard text.utf8.count <= 512, let data = Data(base64Encoded: standard + padding),
            data.count == Self.payloadLength + Self.macLength, data.first == Self.version
        else { throw .malformed }
        let bytes = [UInt8](data)
        let payload = Array(bytes[..<Self.payloadLength])
        self.storeID = Array(bytes[1..<17])
        guard self.storeID == storeID else { throw .otherStore }
        let mac = Array(Crypto.hmacSHA256(key: key, payload).prefix(Self.macLength))
        guard Crypto.constantTimeEqual(mac, Array(bytes[Self.payloadLength...])) else {
            throw .malformed
        }
        var number: UInt64 = 0
        for byte in bytes[17..<25] { number = number << 8 | UInt64(byte) }
        sequence = Int64(bitPattern: number)
        filterHash = Array(bytes[25..<41])
        guard filterHash == Self.hash(filter) else { throw .otherFilter }
        // The store was put back to an older state: what it numbers now is not what was read.
        guard (0...lastCommit).contains(sequence) else { throw .otherStore }
    }

    /// Equal for filters that match the same punches whatever the order of their values.
    private static func hash(_ filter: PunchFilter) -> [UInt8] {
        let query = PunchQuery(
            location: Set(filter.locations).sorted(), device: Set(filter.devices).sorted(),
            user: Set(filter.users).sorted(), from: filter.from, to: filter.to)
        var writer = WireWriter()
        query.encode(into: &writer)
        return Array(Crypto.sha256(writer.bytes).prefix(16))
    }
}
