import Foundation

/// The small file beside the store that tells whether the store is still the same one.
///
/// A store that was put back from a backup numbers punches anew, and a reader's cursor would pass
/// over some of them. The file does not know that it was put back, so this one remembers which
/// store it stands beside, the number of the store's file, and the last sequence: an older copy
/// ends before it. Its lock keeps a second gateway away from the same store.
struct StoreMarker {
    struct Content: Equatable {
        var storeID: String
        var fileNumber: UInt64
        var lastSequence: Int64
    }

    private let handle: FileHandle
    private let path: String

    /// Opens or makes the file and locks it for as long as this process lives.
    init(store path: String) throws(StoreError) {
        self.path = path + "-marker"
        if !FileManager.default.fileExists(atPath: self.path) {
            _ = FileManager.default.createFile(
                atPath: self.path, contents: nil, attributes: [.posixPermissions: 0o600])
        }
        do {
            handle = try FileHandle(forUpdating: URL(filePath: self.path))
        } catch {
            throw StoreError(.database, "cannot open \(self.path): \(error.localizedDescription)")
        }
        guard flock(handle.fileDescriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw StoreError(.database, "another process uses the store \(path)")
        }
    }

    func close() { try? handle.close() }

    /// Nil when it holds nothing that this program wrote.
    func read() -> Content? {
        guard (try? handle.seek(toOffset: 0)) != nil,
            let data = try? handle.read(upToCount: 256)
        else { return nil }
        let words = String(decoding: data, as: UTF8.self).split(separator: "\n").first?
            .split(separator: " ")
        guard let words, words.count == 3, let fileNumber = UInt64(words[1]),
            let lastSequence = Int64(words[2])
        else { return nil }
        return Content(
            storeID: String(words[0]), fileNumber: fileNumber, lastSequence: lastSequence)
    }

    /// One write of the same length each time, so that a killed process leaves the old or the new
    /// text.
    func write(_ content: Content) throws(StoreError) {
        func padded(_ number: some BinaryInteger) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, 20 - digits.count)) + digits
        }
        let text =
            "\(content.storeID) \(padded(content.fileNumber)) \(padded(content.lastSequence))\n"
        do {
            try handle.seek(toOffset: 0)
            try handle.write(contentsOf: Data(text.utf8))
        } catch {
            throw StoreError(.database, "cannot write \(path): \(error.localizedDescription)")
        }
    }

    /// The number that the file system gives the file.
    static func fileNumber(of path: String) throws(StoreError) -> UInt64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let number = attributes?[.systemFileNumber] as? NSNumber else {
            throw StoreError(.database, "cannot look at \(path)")
        }
        return number.uint64Value
    }
}
