import Attendance
import RPCRuntime
import Transport

/// What is known of a terminal that pushes, since the service started.
struct PushTerminal: Sendable {
    let serial: String
    let name: String
    let clockMode: ClockMode
    var dialect: PushDialect?
    /// Where it is, and its hardware address once it has told it.
    var host: String
    var mac: String?
    var lastSeen: ContinuousClock.Instant
    /// When its last request was answered.
    var lastAnswer: Timestamp?
    var platform = ""
    var firmware = ""
    /// Where its log stands in the reading of times that come twice.
    var resolver: InstantResolver
    var proof: PushProof
    /// Rows of its log that it has uploaded, known ones included.
    var received: UInt64 = 0
    /// The hashes of the different rows that came since it was asked for its whole log; nil where
    /// it was not.
    var gathered: Set<Int>?
    /// Its uploads that are being stored.
    var uploads = 0
    /// Whether it may have older punches to send: at first, and after a refusal, until it asks for
    /// commands.
    var hasBacklog = true
    /// The offset from GMT that it was told, in seconds.
    var toldOffset: Int64?
    /// When its log was last held against the store, or that was asked for.
    var proofAskedAt: ContinuousClock.Instant?
    var repairAskedAt: ContinuousClock.Instant?
    /// What it had uploaded when it first counted more than the log has.
    var missingSince: UInt64?
    /// It has said how many rows its whole log has, of which not all have come.
    var reading: PushReading?
    /// How many counts in a row were below what the log has.
    var behind = 0
    /// Whether it has answered that it knows no `VERIFY SUM`, no `INFO`.
    var lacksSum = false
    var lacksInfo = false
    var isProved = false
    /// Why it is not proved; shown.
    var unproved = ""
    /// What it gave at its registration; access terminals only.
    var registryCode: String?
    /// A second terminal of this serial number, as it was last seen.
    var rival: (host: String, at: ContinuousClock.Instant)?
}

/// A terminal's whole memory on its way.
struct PushReading: Sendable, Hashable {
    var rows: Int64
    /// When it was asked.
    var at: Timestamp
}
