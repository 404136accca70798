import Foundation
import MeshAPI
import RPCRuntime
import SQLite
import Transport

@testable import LocationService

/// Stores punches in a location's store, for `scripts/bench-store`.
///
///     store-bench fill STORE ROWS
///     store-bench ingest STORE ROWS FIRST BATCH
///     store-bench script STORE ROWS FIRST BATCH
///
/// `fill` brings a new store to so many rows as fast as it can, through the store itself. `ingest`
/// adds the rows from FIRST on, BATCH of them in a transaction, and prints rows, seconds of time
/// and of processor time. `script` writes the same rows as SQL, for the sqlite3 command-line tool:
/// the same statements to the same tables in the same transactions.
@main enum StoreBench {
    /// Half a thousand terminals, as a large location has.
    private static let devices = 500
    private static let start: Int64 = 1_700_000_000

    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        guard let command = arguments.first, arguments.count >= 3,
            let rows = Int(arguments.dropFirst(2).first ?? "")
        else {
            print("usage: store-bench fill|ingest|script STORE ROWS [FIRST BATCH]")
            return exit(2)
        }
        let path = Array(arguments)[1]
        let numbers = arguments.dropFirst(3).compactMap { Int($0) }
        let (first, batch) = (numbers.first ?? 0, numbers.dropFirst().first ?? 1000)
        switch command {
        case "fill": try await ingest(path, rows, from: 0, batch: 20_000)
        case "ingest": try await ingest(path, rows, from: first, batch: batch)
        default: try script(path, rows, from: first, batch: batch)
        }
    }

    /// Punches as logs of terminals bring them: a thousand of one device, then of the next, each
    /// 30 s behind the one before, of one of 200 users.
    private static func punch(_ index: Int) -> Punch {
        let (run, position) = index.quotientAndRemainder(dividingBy: 1000)
        let (turn, device) = run.quotientAndRemainder(dividingBy: devices)
        let instant = instant(turn * 1000 + position)
        // SplitMix64, so that neighbours in time are strangers in the index.
        var mixed = UInt64(index) &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed ^= mixed >> 27
        let user = String(1000 + Int(mixed % 200))
        return Punch(
            device: "CEXA\(String(100_000_000 + device))", user: user, resolvedUser: user,
            localTime: wallTime(instant), state: UInt32(index % 2), verify: 1, source: .poll,
            receivedAt: Timestamp(seconds: instant + 2) ?? Timestamp(),
            instant: Timestamp(seconds: instant))
    }

    private static func instant(_ position: Int) -> Int64 { start + Int64(position) * 30 }

    private static func wallTime(_ seconds: Int64) -> String {
        let text = (Timestamp(seconds: seconds) ?? Timestamp()).description
        return String(text.prefix(19))
    }

    private static func ingest(_ path: String, _ rows: Int, from first: Int, batch: Int)
        async throws
    {
        let thread = WorkerThread(name: "store")
        let now = instant((first + rows) / devices + 1000)
        let store = try LocationStore(
            path: path, thread: thread, wakeUps: WakeUps(),
            surroundings: Surroundings(
                now: { Timestamp(seconds: now) ?? Timestamp() },
                steady: { ContinuousClock.now }, randomBytes: { Crypto.randomBytes($0) }))
        for device in 0..<devices {
            try await store.declareDevice(
                Device(
                    serial: "CEXA\(String(100_000_000 + device))", name: "device \(device)",
                    active: true, clockMode: "zone"))
        }
        var elapsed = Duration.zero
        var processor = 0.0
        var index = first
        var new = 0
        while index < first + rows {
            let end = min(index + batch, first + rows)
            let punches = (index..<end).map(punch)
            let (began, used) = (ContinuousClock.now, processorSeconds())
            new += try await store.ingest(punches).new
            elapsed += began.duration(to: .now)
            processor += processorSeconds() - used
            index = end
        }
        await store.close()
        thread.shutdown()
        let seconds =
            Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
        print("\(new) \(seconds) \(processor)")
    }

    /// Of the whole process.
    private static func processorSeconds() -> Double {
        Double(clock()) / Double(CLOCKS_PER_SEC)
    }

    private static func script(_ path: String, _ rows: Int, from first: Int, batch: Int) throws {
        var options = Database.Options()
        options.isReadOnly = true
        options.checksIntegrity = false
        let database = try Database(path: path, options: options)
        guard case .integer(let last)? = try database.first("SELECT max(sequence) FROM log")
        else { return }
        print("PRAGMA synchronous = FULL;")
        print("PRAGMA cache_size = -\(options.cacheKilobytes);")
        print("PRAGMA wal_autocheckpoint = \(options.checkpointPages);")
        print("PRAGMA journal_size_limit = \(options.walBytesMax);")
        var sequence = UInt64(last)
        let committedAt = Timestamp(seconds: instant((first + rows) / devices)) ?? Timestamp()
        for index in first..<first + rows {
            if (index - first) % batch == 0 { print("BEGIN IMMEDIATE;") }
            let punch = punch(index)
            sequence += 1
            var entry = LogEntry(punch: punch)
            entry.sequence = sequence
            entry.committedAt = committedAt
            let body = entry.encoded().map { byte in
                let digits = String(byte, radix: 16)
                return digits.count == 1 ? "0" + digits : digits
            }.joined()
            print("INSERT INTO log (sequence, kind, body) VALUES (\(sequence),3,x'\(body)');")
            print(
                """
                INSERT INTO punch (sequence, device, user, local_time, state, instant, \
                resolved_user) VALUES (\(sequence),'\(punch.device)','\(punch.user)',\
                '\(punch.localTime)',\(punch.state),\(punch.instant?.seconds ?? 0),\
                '\(punch.resolvedUser)');
                """)
            if (index - first) % batch == batch - 1 || index == first + rows - 1 {
                print("COMMIT;")
            }
        }
    }
}
