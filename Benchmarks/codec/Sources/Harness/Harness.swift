import Glibc

/// A message to be measured.
public struct Case {
    let name: String
    let bytes: () throws -> [UInt8]
    let rows: [(name: String, run: (Int) throws -> Void)]

    /// - Parameter bytes: The encoding, checked by decoding it and encoding that.
    /// - Parameter rows: What is measured. Each does its work as often as it is told and passes
    ///   each result to ``consume(_:)``.
    public init(
        _ name: String, bytes: @escaping () throws -> [UInt8],
        rows: [(name: String, run: (Int) throws -> Void)]
    ) {
        self.name = name
        self.bytes = bytes
        self.rows = rows
    }
}

/// Uses a value as far as the optimiser knows.
@inline(never)
@_optimize(none)
public func consume<Value>(_ value: Value) {}

/// A mistake in how a program was called, or in what it measures.
public struct Failure: Error, CustomStringConvertible {
    public var description: String

    public init(_ description: String) { self.description = description }
}

/// What each program does with its command line.
public enum Harness {
    static let help = """
        usage: PROGRAM --bytes MESSAGE               writes the encoded message to standard output
               PROGRAM --row MESSAGE.ROW [--secs S] [--warm S] [--count N]
               PROGRAM --list                        writes the names of all rows

        A row is measured for S seconds of processor time (0.3, after 0.1 of warming up) and reported
        as a line of JSON; with --count it is done N times and not measured.
        """

    public static func run(_ cases: [Case]) throws {
        var options: [String: String] = [:]
        var rest = CommandLine.arguments.dropFirst()
        while let option = rest.popFirst() {
            if option == "--list" {
                for item in cases {
                    for row in item.rows { print("\(item.name).\(row.name)") }
                }
                return
            }
            guard ["--bytes", "--row", "--secs", "--warm", "--count"].contains(option),
                let value = rest.popFirst()
            else { return print(help) }
            options[option] = value
        }
        if let name = options["--bytes"] {
            guard let item = cases.first(where: { $0.name == name }) else {
                throw Failure("there is no message `\(name)`")
            }
            return write(try item.bytes())
        }
        guard let name = options["--row"] else { return print(help) }
        guard let item = cases.first(where: { name.hasPrefix($0.name + ".") }),
            let row = item.rows.first(where: { "\(item.name).\($0.name)" == name })
        else { throw Failure("there is no row `\(name)`") }
        if let count = options["--count"].flatMap({ Int($0) }) { return try row.run(count) }
        let warm = options["--warm"].flatMap { Double($0) } ?? 0.1
        let seconds = options["--secs"].flatMap { Double($0) } ?? 0.3
        // Doubled until it takes long enough to tell how often the work has to be done.
        var count = 1
        var took = try time(row.run, count)
        while took < warm / 2 {
            count *= 2
            took = try time(row.run, count)
        }
        count = max(1, Int(seconds / took * Double(count) * 1.05))
        took = try time(row.run, count)
        print("{\"row\": \"\(name)\", \"ns\": \(took * 1e9 / Double(count)), \"count\": \(count)}")
    }

    /// Seconds of processor time.
    private static func time(_ run: (Int) throws -> Void, _ count: Int) throws -> Double {
        let start = now()
        try run(count)
        return now() - start
    }

    private static func now() -> Double {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }

    private static func write(_ bytes: [UInt8]) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes {
                unsafe Glibc.write(1, $0.baseAddress, $0.count)
            }
            if count <= 0 { return }
            rest = rest.dropFirst(count)
        }
    }
}
