import Foundation
import ServiceKit

/// The comm keys of terminals that were added at run time: a file of mode 0600 each.
struct CommKeyFolder: Sendable {
    /// Beside the store, and no part of it.
    let path: String

    init(store: String) { path = store + "-keys" }

    /// Nil where the terminal has none.
    func read(_ name: String) throws(ConfigurationError) -> UInt32? {
        let file = file(name)
        guard FileManager.default.fileExists(atPath: file) else { return nil }
        guard let key = UInt32(try Secret.read(path: file).revealText()) else {
            throw ConfigurationError("the comm key file \(file) holds no number")
        }
        return key
    }

    /// Keeps the key, or with nil forgets it.
    func write(_ key: UInt32?, _ name: String) throws(ConfigurationError) {
        let file = file(name)
        let files = FileManager.default
        guard let key else {
            if files.fileExists(atPath: file) {
                do { try files.removeItem(atPath: file) } catch {
                    throw ConfigurationError("cannot remove the comm key file \(file)")
                }
            }
            return
        }
        do {
            try files.createDirectory(
                atPath: path, withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700])
            // A name of its own first: the old key stays whole until the new one is.
            let fresh = file + ".new"
            try? files.removeItem(atPath: fresh)
            guard
                files.createFile(
                    atPath: fresh, contents: Data("\(key)\n".utf8),
                    attributes: [.posixPermissions: 0o600])
            else { throw CocoaError(.fileWriteUnknown) }
            try? files.removeItem(atPath: file)
            try files.moveItem(atPath: fresh, toPath: file)
        } catch {
            throw ConfigurationError(
                "cannot keep the comm key in \(file): \(error.localizedDescription)")
        }
    }

    /// Names may have any letters; files have only hexadecimal digits.
    private func file(_ name: String) -> String {
        let digits = name.utf8.map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        return path + "/" + digits.joined() + ".commkey"
    }
}
