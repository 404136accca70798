import Foundation
import Synchronization
import Transport
import ZKProtocol

/// A device's memory in a file: a line for each user and punch, and for each change after that.
///
/// Each line has a letter, a tab, and bytes in hexadecimal: `U` a user record, `P` a
/// 40-byte row of the log, `D` a deleted user's index; `X` clears the users, `C` the log.
/// A last line that is cut short, as after a crash, is ignored.
final class StateFile: Sendable {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    private let handle: Lock<FileHandle>

    /// What the file holds; nil where there is none.
    static func load(_ path: String) throws -> (users: [DeviceUser], log: [AttendanceRecord])? {
        guard let data = FileManager.default.contents(atPath: path) else { return nil }
        var users: [UInt16: DeviceUser] = [:]
        var order: [UInt16] = []
        var log: [AttendanceRecord] = []
        let lines = [UInt8](data).split(separator: 10, omittingEmptySubsequences: false).dropLast()
        for (number, line) in lines.enumerated() {
            guard let kind = line.first, let bytes = unhex(line.dropFirst(2)) else {
                throw Failure(description: "\(path):\(number + 1): not a line of a state file")
            }
            switch kind {
            case UInt8(ascii: "U"):
                let user = try DeviceUser(decoding: bytes)
                if users.updateValue(user, forKey: user.uid) == nil { order.append(user.uid) }
            case UInt8(ascii: "P"):
                log.append(try AttendanceRecord(row: bytes))
            case UInt8(ascii: "D") where bytes.count == 2:
                let uid: UInt16 = bytes.span.number(at: 0)
                users[uid] = nil
                order.removeAll { $0 == uid }
            case UInt8(ascii: "X"):
                users = [:]
                order = []
            case UInt8(ascii: "C"): log = []
            default: throw Failure(description: "\(path):\(number + 1): not a line of a state file")
            }
        }
        return (order.compactMap { users[$0] }, log)
    }

    /// Replaces the file by the memory as it is; changes are appended.
    init(_ path: String, users: [DeviceUser], log: [AttendanceRecord]) throws {
        var text: [UInt8] = []
        for user in users { StateFile.append(.user(user), to: &text) }
        for record in log { StateFile.append(.punch(record), to: &text) }
        try Data(text).write(to: URL(fileURLWithPath: path), options: .atomic)
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
        try handle.seekToEnd()
        self.handle = Lock(handle)
    }

    /// Appends changes; a full disk is told on the standard error and otherwise survived.
    func append(_ changes: [Device.Change]) {
        var text: [UInt8] = []
        for change in changes { StateFile.append(change, to: &text) }
        let data = Data(text)
        let failure = handle.withLock { handle -> String? in
            do {
                try handle.write(contentsOf: data)
                return nil
            } catch {
                return "\(error)"
            }
        }
        if let failure {
            try? FileHandle.standardError.write(
                contentsOf: Data("zk-simulator: cannot write the state file: \(failure)\n".utf8))
        }
    }

    private static func append(_ change: Device.Change, to text: inout [UInt8]) {
        var bytes: [UInt8] = []
        let kind: Character
        switch change {
        case .user(let user):
            kind = "U"
            // Only the long form has a last name, and only the usual one a card.
            bytes = user.encoded(user.lastName.isEmpty ? .bytes72 : .bytes120) ?? []
        case .punch(let record):
            kind = "P"
            _ = record.append(to: &bytes, .text(stride: 40))
        case .userDeleted(let uid):
            kind = "D"
            bytes = uid.littleEndianBytes
        case .usersCleared: kind = "X"
        case .logCleared: kind = "C"
        }
        text += kind.utf8
        text.append(9)
        for byte in bytes {
            text.append(digits[Int(byte >> 4)])
            text.append(digits[Int(byte & 15)])
        }
        text.append(10)
    }

    private static let digits = Array("0123456789abcdef".utf8)

    private static func unhex(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        var index = text.startIndex
        while index < text.endIndex {
            guard let high = nibble(text[index]), let low = nibble(text[index + 1]) else {
                return nil
            }
            bytes.append(high << 4 | low)
            index += 2
        }
        return bytes
    }

    private static func nibble(_ digit: UInt8) -> UInt8? {
        switch digit {
        case 48...57: digit - 48
        case 97...102: digit - 87
        default: nil
        }
    }
}
