import Foundation

/// The small file beside the database that tells whether the database is still the same one.
///
/// A log's id must change when its file was restored from a backup or cloned: followers would
/// take what it writes from then on for what they already have. A restored file does not know
/// that it was restored, so this file remembers three things about the true one:
///
/// - a token, new at each start of the service and written into both files;
/// - the number of the database's file in its file system (a cloned folder has other numbers);
/// - the last sequence committed, written behind each commit (an older copy ends before it).
///
/// It is also what the service locks, so that two of them never share a store. What this cannot
/// see, such as a whole virtual machine set back, shows when a follower knows more of the log
/// than there is: see ``LocationStore/follow(_:logID:after:limit:)``.
struct StoreMarker {
    struct Content: Equatable {
        var token: String
        var fileNumber: UInt64
        var lastSequence: UInt64
    }

    private let handle: FileHandle
    let path: String

    /// Opens or makes the file and locks it for as long as this process lives.
    init(database path: String) throws(StoreError) {
        self.path = path + "-marker"
        let isThere = FileManager.default.fileExists(atPath: self.path)
        if !isThere {
            let isMade = FileManager.default.createFile(
                atPath: self.path, contents: nil, attributes: [.posixPermissions: 0o600])
            guard isMade else { throw StoreError(.marker, "cannot make \(self.path)") }
        }
        do {
            handle = try FileHandle(forUpdating: URL(filePath: self.path))
        } catch {
            let isPassing =
                [.fileWriteVolumeReadOnly, .fileWriteOutOfSpace]
                .contains((error as? CocoaError)?.code)
            throw StoreError(
                isPassing ? .unwritable : .marker,
                "cannot open \(self.path): \(error.localizedDescription)")
        }
        // A program that is started from here must not keep the lock.
        _ = fcntl(handle.fileDescriptor, F_SETFD, FD_CLOEXEC)
        guard flock(handle.fileDescriptor, LOCK_EX | LOCK_NB) == 0 else {
            throw StoreError(.inUse, "another process uses the store \(path)")
        }
    }

    func close() { try? handle.close() }

    /// Nil when there is nothing in it that this program wrote.
    func read() -> Content? {
        guard (try? handle.seek(toOffset: 0)) != nil,
            let data = try? handle.read(upToCount: 256)
        else { return nil }
        let words = String(decoding: data, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)[0].split(separator: " ")
        guard words.count == 3, let fileNumber = UInt64(words[1]),
            let lastSequence = UInt64(words[2])
        else { return nil }
        return Content(
            token: String(words[0]), fileNumber: fileNumber, lastSequence: lastSequence)
    }

    /// One write of less than a block, so that a killed process leaves the old or the new text.
    func write(_ content: Content, toDisk: Bool) throws(StoreError) {
        func padded(_ number: UInt64) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, 20 - digits.count)) + digits
        }
        let text =
            "\(content.token) \(padded(content.fileNumber)) \(padded(content.lastSequence))\n"
        do {
            try handle.seek(toOffset: 0)
            try handle.write(contentsOf: Data(text.utf8))
            if toDisk { try handle.synchronize() }
        } catch {
            throw StoreError(.unwritable, "cannot write \(path): \(error.localizedDescription)")
        }
    }

    /// The number that the file system gives the file.
    static func fileNumber(of path: String) throws(StoreError) -> UInt64 {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        guard let number = attributes?[.systemFileNumber] as? NSNumber else {
            throw StoreError(.marker, "cannot look at \(path)")
        }
        return number.uint64Value
    }
}
