import Foundation
import Synchronization
import Transport
import ZKProtocol

/// Writes each live punch with the moment at which it was made: milliseconds since 1970, serial
/// number, user, wall time and state, with tabs between.
final class TraceFile: Sendable {
    private let handle: Lock<FileHandle>

    init(_ path: String) throws {
        try Data().write(to: URL(filePath: path))
        handle = Lock(try FileHandle(forWritingTo: URL(filePath: path)))
    }

    func append(_ changes: [Device.Change], of serial: String, at now: Now) {
        var text = ""
        for case .punch(let record) in changes {
            text +=
                "\(now.trueTime)\t\(serial)\t\(record.identifier)\t\(record.time)\t\(record.state)\n"
        }
        let data = Data(text.utf8)
        // A trace that cannot be written is missed by whoever reads it.
        handle.withLock { handle in try? handle.write(contentsOf: data) }
    }
}
