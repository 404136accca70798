import Foundation
import ServiceKit
import Transport

/// Looks after the disk that the store is on, while the location runs.
struct StoreWatch: Sendable {
    static let interval: Duration = .seconds(10)

    let store: LocationStore
    let loop: EventLoop

    /// Runs until the task is cancelled.
    func run() async {
        repeat {
            look()
            // Without this the alarm would last until the next punch.
            if store.alarm.mayPass { try? await store.probe() }
        } while (try? await loop.sleep(for: Self.interval)) != nil
    }

    private func look() {
        guard let free = Self.freeBytes(beside: store.path) else { return }
        store.alarm.space(free, path: store.path)
    }

    /// The free space of the disk that the file is on; nil where the system does not say.
    static func freeBytes(beside path: String) -> Int64? {
        let folder = URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false)
        let attributes = try? FileManager.default.attributesOfFileSystem(forPath: folder)
        return (attributes?[.systemFreeSize] as? NSNumber)?.int64Value
    }
}
