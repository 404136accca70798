import ServiceKit

/// Why a terminal cannot be approved.
enum PushApprovalError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No serial number looks like that.
    case serial(String)
    /// A name has 1 to 64 bytes and no control characters.
    case name(String)
    /// Another terminal has the name; its serial, or empty for one of the configuration.
    case nameTaken(String)
    case store(StoreError)

    var description: String {
        switch self {
        case .serial(let text):
            "`\(text)` is no serial number: 1 to 32 letters, digits, `-` and `_`"
        case .name(let text):
            "`\(text)` is no name: 1 to 64 bytes without control characters"
        case .nameTaken(let serial):
            serial.isEmpty
                ? "a device of the configuration has this name"
                : "the terminal \(serial) has this name"
        case .store(let error): error.description
        }
    }
}

extension PushReceiver {
    /// Lets a terminal push under this name from its next request on, also after a restart.
    func approve(serial: String, name: String) async throws(PushApprovalError) {
        guard PushCall.isSerial(serial) else { throw .serial(serial.clipped(toBytes: 64)) }
        let isName =
            1...64 ~= name.utf8.count
            && !name.unicodeScalars.contains { $0.value < 0x20 || 0x7F...0x9F ~= $0.value }
        guard isName else { throw .name(name.clipped(toBytes: 64)) }
        guard !configuredNames.contains(name) else { throw .nameTaken("") }
        let outcome: PushApprovalOutcome
        do throws(StoreError) {
            outcome = try await store.approvePush(serial: serial, name: name)
        } catch {
            throw .store(error)
        }
        if case .nameTaken(let other) = outcome { throw .nameTaken(other) }
        log.info("terminal approved", ["serial": serial, "device": name])
    }
}
