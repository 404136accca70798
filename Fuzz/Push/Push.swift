// The entry point for libFuzzer; scripts/fuzz builds it with the parsers of what terminals push.

import Glibc

private func report(_ condition: Bool, _ what: String) {
    // A trap is what libFuzzer takes note of.
    if !condition { fatalError(what) }
}

/// The first byte says what the rest is: a body of punches, operations, results or access rows, or
/// an INFO text.
private func fuzz(_ bytes: [UInt8]) {
    guard let kind = bytes.first else { return }
    let body = Array(bytes.dropFirst())
    switch kind % 5 {
    case 0:
        for line in PushLines(body) {
            report(!line.isEmpty && !line.contains(10), "no line")
            guard let row = try? AttendanceLine(line) else { continue }
            check(row.pin, row.time)
            report(row.state < 256 && row.verify < 65_536, "a number out of its range")
        }
    case 1:
        for line in PushLines(body) {
            guard case .user(let user)? = try? OperationLine(line) else { continue }
            report(1...64 ~= user.pin.utf8.count, "a PIN of a length that cannot be stored")
            report(user.name.utf8.count <= 128 && user.group.utf8.count <= 16, "a long text")
        }
    case 2:
        let outcomes = CommandOutcome.all(in: body)
        report(outcomes.count <= CommandOutcome.outcomesMax, "too many results")
        for outcome in outcomes {
            report(outcome.id.utf8.count <= 32, "a long id")
            report(outcome.details.count <= CommandOutcome.detailsMax, "too many details")
            for detail in outcome.details {
                report(detail.utf8.count <= CommandOutcome.detailBytes, "a long detail")
            }
        }
    case 3:
        for line in PushLines(body) {
            guard let row = try? AccessRow(line) else { continue }
            if row.isPunch { check(row.pin, row.time) }
            report(row.state < 256, "a state out of its range")
        }
    default:
        guard let info = TerminalInfo(String(decoding: body, as: UTF8.self)) else { return }
        report(info.firmware.utf8.count <= 128, "a long firmware")
        report((info.punches ?? 0) >= 0 && (info.users ?? 0) >= 0, "a count below 0")
    }
}

private func check(_ pin: String, _ time: PushTime) {
    report(1...64 ~= pin.utf8.count, "a PIN of a length that cannot be stored")
    report(!pin.unicodeScalars.contains { $0.value < 0x20 }, "a control character in a PIN")
    if case .wall(let text) = time {
        report(text.utf8.count == 19, "a time of another length")
        // It reads as itself.
        report((try? PushTime(Array(text.utf8)[...])) == time, "a time reads otherwise")
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ data: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    fuzz(Array(UnsafeBufferPointer(start: data, count: count)))
    return 0
}
