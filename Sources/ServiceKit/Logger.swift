import Foundation
import Synchronization
import Transport

/// Writes one line per event: a constant message with named facts beside it.
///
/// A message never holds a value, so that a search for it finds every case; values go into the
/// fields, where control characters are escaped and long texts cut. Secrets go nowhere.
///
/// ```swift
/// log.info("device online", ["device": serial, "records": count])
/// ```
public struct Logger: Sendable {
    public enum Level: String, Sendable, CaseIterable, Comparable {
        case debug, info, warning, error

        private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
        public static func < (left: Level, right: Level) -> Bool { left.rank < right.rank }
    }

    public enum Format: String, Sendable, CaseIterable {
        /// `2025-01-06T18:02:11.204Z info device online device=CK1 records=5`
        case text
        /// One JSON object a line.
        case json
    }

    public typealias Fields = KeyValuePairs<String, any CustomStringConvertible & Sendable>

    /// Lines below this are not made.
    public let level: Level
    private let format: Format
    private let now: @Sendable () -> (seconds: Int64, nanoseconds: Int32)
    private let write: @Sendable (String) -> Void
    private var context: [(String, any CustomStringConvertible & Sendable)] = []

    /// A value longer than this many characters is cut.
    public static let valueLengthMax = 1024

    /// `now` is the time since 1970; `write` takes a line with its line feed, from any thread.
    public init(
        level: Level = .info, format: Format = .text,
        now: @escaping @Sendable () -> (seconds: Int64, nanoseconds: Int32),
        write: @escaping @Sendable (String) -> Void = Logger.writeToStandardError
    ) {
        self.level = level
        self.format = format
        self.now = now
        self.write = write
    }

    /// Says nothing; for tests and tools.
    public static let silent = Logger(level: .error, now: { (0, 0) }, write: { _ in })

    /// The same logger with fields that every line carries.
    public func with(_ fields: Fields) -> Logger {
        var copy = self
        copy.context += fields.map { ($0.key, $0.value) }
        return copy
    }

    public func debug(_ message: StaticString, _ fields: @autoclosure () -> Fields = [:]) {
        log(.debug, message, fields)
    }
    public func info(_ message: StaticString, _ fields: @autoclosure () -> Fields = [:]) {
        log(.info, message, fields)
    }
    public func warning(_ message: StaticString, _ fields: @autoclosure () -> Fields = [:]) {
        log(.warning, message, fields)
    }
    public func error(_ message: StaticString, _ fields: @autoclosure () -> Fields = [:]) {
        log(.error, message, fields)
    }

    private func log(_ level: Level, _ message: StaticString, _ fields: () -> Fields) {
        guard level >= self.level else { return }
        let (seconds, nanoseconds) = now()
        let time = RFC3339.text(
            seconds: seconds, nanoseconds: nanoseconds - nanoseconds % 1_000_000)
        let all = context + fields().map { ($0.key, $0.value) }
        var line: String
        switch format {
        case .text:
            line = "\(time) \(level.rawValue) \(message)"
            for (key, value) in all { line += " \(key)=\(Self.word(value))" }
        case .json:
            line = #"{"time":"\#(time)","level":"\#(level.rawValue)","message":"#
            line += Self.quoted(message.description)
            for (key, value) in all { line += ",\(Self.quoted(key)):\(Self.json(value))" }
            line += "}"
        }
        write(line + "\n")
    }

    // MARK: Values

    private static func word(_ value: any CustomStringConvertible & Sendable) -> String {
        let text = value.description
        let needsQuotes =
            text.isEmpty
            || text.unicodeScalars.contains {
                $0.value <= 0x20 || $0.value == 0x7F || $0 == "\"" || $0 == "=" || $0 == "\\"
                    || $0.properties.generalCategory == .control
                    || $0.properties.generalCategory == .format
            }
        return needsQuotes || text.count > valueLengthMax ? quoted(text) : text
    }

    private static func json(_ value: any CustomStringConvertible & Sendable) -> String {
        switch value {
        case let value as Bool: value ? "true" : "false"
        case let value as any BinaryInteger: String(describing: value)
        default: quoted(value.description)
        }
    }

    /// A JSON string, in which nothing can end the line or move the cursor.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.prefix(valueLengthMax).unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .lineSeparator, .paragraphSeparator:
                    for unit in String(scalar).utf16 {
                        let digits = String(unit, radix: 16)
                        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                    }
                default: result.unicodeScalars.append(scalar)
                }
            }
        }
        if text.count > valueLengthMax { result += "…" }
        return result + "\""
    }

    /// A whole line at a time; a reader that has gone away is no reason to stop the service.
    public static let writeToStandardError: @Sendable (String) -> Void = { line in
        standardError.withLock { handle in try? handle.write(contentsOf: Data(line.utf8)) }
    }
    private static let standardError = Lock(FileHandle.standardError)
}
