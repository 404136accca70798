import Foundation

/// What is wrong with a configuration, in one sentence that names the key and the file.
public struct ConfigurationError: Error, Sendable, Hashable, CustomStringConvertible {
    public var message: String
    public init(_ message: String) { self.message = message }
    public var description: String { message }
}

/// A part of a configuration: an object of the file with the environment over it.
///
/// A program asks for the keys it knows, each with its default and its limits, and ends with
/// ``finish()`` on the root, which refuses every key that nobody has asked for. The environment
/// variable of `tls.keyFile` under the prefix `BIOMETRICFLOW_GATEWAY` is
/// `BIOMETRICFLOW_GATEWAY_TLS_KEY_FILE`; a list is given there as JSON5. Elements of a list have
/// no variables of their own.
///
/// Relative paths are relative to the folder of the file, or without a file to the working folder.
public final class Configuration {
    /// The file it came from, or `environment`.
    public let origin: String
    private let folder: URL?
    private let path: String
    private let values: [String: JSONValue]
    private let environment: [String: String]
    /// The prefix with its last underscore; nil inside of a list.
    private let prefix: String?
    private var keysAsked: Set<String> = []
    private var variablesAsked: Set<String> = []
    private var children: [Configuration] = []

    /// Reads the file, if any, of at most 4 MiB.
    public convenience init(
        file: String?, environment: [String: String], prefix: String
    ) throws(ConfigurationError) {
        guard let file else {
            self.init(
                origin: "environment", folder: nil, path: "", values: [:],
                environment: environment, prefix: prefix + "_")
            return
        }
        let data: Data
        do {
            let handle = try FileHandle(forReadingFrom: URL(filePath: file))
            defer { try? handle.close() }
            data = try handle.read(upToCount: 4 << 20) ?? Data()
        } catch {
            throw ConfigurationError("cannot read the configuration \(file): \(reason(error))")
        }
        guard case .object(let values) = try JSONValue.parse(data, from: file) else {
            throw ConfigurationError("\(file) must hold one object: { key: value, … }")
        }
        self.init(
            origin: file, folder: URL(filePath: file).deletingLastPathComponent(), path: "",
            values: values, environment: environment, prefix: prefix + "_")
    }

    private init(
        origin: String, folder: URL?, path: String, values: [String: JSONValue],
        environment: [String: String], prefix: String?
    ) {
        self.origin = origin
        self.folder = folder
        self.path = path
        self.values = values
        self.environment = environment
        self.prefix = prefix
    }

    // MARK: Values

    /// A text of 1 to `max` bytes in UTF-8.
    ///
    /// Without a default the key is required.
    public func string(
        _ key: String, default value: String? = nil, max: Int = 1024
    ) throws(ConfigurationError) -> String {
        if let found = try optionalString(key, max: max) { return found }
        guard let value else { throw missing(key) }
        return value
    }

    public func optionalString(
        _ key: String, max: Int = 1024
    ) throws(ConfigurationError) -> String? {
        guard let found = try lookUp(key) else { return nil }
        guard case .string(let text) = found.value else { throw wrong(key, found, "a string") }
        guard !text.isEmpty else { throw error(key, "is empty", found.place) }
        guard text.utf8.count <= max else {
            throw error(key, "is longer than \(max) bytes in UTF-8", found.place)
        }
        return text
    }

    /// A whole number within `range`.
    ///
    /// Without a default the key is required.
    public func integer(
        _ key: String, default value: Int? = nil, in range: ClosedRange<Int>
    ) throws(ConfigurationError) -> Int {
        guard let found = try lookUp(key) else {
            guard let value else { throw missing(key) }
            return value
        }
        let number: Int
        switch found.value {
        case .integer(let given): number = Int(given)
        case .string(let text) where found.isText:
            guard let given = Int(text) else { throw wrong(key, found, "a whole number") }
            number = given
        default: throw wrong(key, found, "a whole number")
        }
        guard range.contains(number) else {
            throw error(
                key, "is \(number); allowed are \(range.lowerBound) to \(range.upperBound)",
                found.place)
        }
        return number
    }

    public func boolean(
        _ key: String, default value: Bool
    ) throws(ConfigurationError) -> Bool {
        guard let found = try lookUp(key) else { return value }
        switch found.value {
        case .boolean(let given): return given
        case .string("true") where found.isText: return true
        case .string("false") where found.isText: return false
        default: throw wrong(key, found, "true or false")
        }
    }

    /// One of an enumeration's words.
    public func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, default value: Choice
    ) throws(ConfigurationError) -> Choice where Choice.RawValue == String {
        guard let text = try optionalString(key) else { return value }
        if let choice = Choice(rawValue: text) { return choice }
        let words = Choice.allCases.map(\.rawValue)
        let hint = closest(to: text, in: words).map { "; did you mean `\($0)`?" } ?? ""
        throw error(key, "is `\(text)`; allowed are \(words.joined(separator: ", "))\(hint)")
    }

    /// A file's path, made absolute.
    public func path(
        _ key: String, default value: String? = nil
    ) throws(ConfigurationError) -> String {
        absolute(try string(key, default: value, max: 4096))
    }

    public func optionalPath(_ key: String) throws(ConfigurationError) -> String? {
        try optionalString(key, max: 4096).map(absolute)
    }

    /// The content of a file that only its owner may read; the key holds its path.
    public func optionalSecret(_ key: String) throws(ConfigurationError) -> Secret? {
        guard let path = try optionalPath(key) else { return nil }
        do throws(ConfigurationError) {
            return try Secret.read(path: path)
        } catch let failure {
            throw error(key, failure.message)
        }
    }

    /// A list of texts, empty when the key is absent.
    public func strings(
        _ key: String, maxCount: Int = 1000
    ) throws(ConfigurationError) -> [String] {
        var texts: [String] = []
        for element in try list(key, maxCount: maxCount) {
            guard case .string(let text) = element, !text.isEmpty else {
                throw error(key, "holds \(element.kind); wanted are strings")
            }
            texts.append(text)
        }
        return texts
    }

    // MARK: Parts

    /// The object under `key`; an empty one when the key is absent.
    public func section(_ key: String) throws(ConfigurationError) -> Configuration {
        var values: [String: JSONValue] = [:]
        keysAsked.insert(key)
        if let value = self.values[key] {
            guard case .object(let found) = value else {
                throw error(key, "is \(value.kind); wanted is an object")
            }
            values = found
        }
        return child(key, values, prefix: prefix.map { $0 + Self.variable(key) + "_" })
    }

    /// The keys that the file has here, in alphabetical order; for objects whose keys are names.
    public var keys: [String] { values.keys.sorted() }

    /// Whether the key is there at all.
    public func has(_ key: String) throws(ConfigurationError) -> Bool { try lookUp(key) != nil }

    /// The objects of the list under `key`; none when the key is absent.
    public func sections(
        _ key: String, maxCount: Int = 1000
    ) throws(ConfigurationError) -> [Configuration] {
        var sections: [Configuration] = []
        for (index, element) in try list(key, maxCount: maxCount).enumerated() {
            guard case .object(let values) = element else {
                throw error("\(key)[\(index)]", "is \(element.kind); wanted is an object")
            }
            sections.append(child("\(key)[\(index)]", values, prefix: nil))
        }
        return sections
    }

    private func child(
        _ key: String, _ values: [String: JSONValue], prefix: String?
    ) -> Configuration {
        let child = Configuration(
            origin: origin, folder: folder, path: fullName(key) + ".", values: values,
            environment: environment, prefix: prefix)
        children.append(child)
        return child
    }

    private func list(_ key: String, maxCount: Int) throws(ConfigurationError) -> [JSONValue] {
        guard var found = try lookUp(key) else { return [] }
        if found.isText, case .string(let text) = found.value {
            found.value = try JSONValue.parse(Data(text.utf8), from: found.place)
        }
        guard case .array(let elements) = found.value else { throw wrong(key, found, "a list") }
        guard elements.count <= maxCount else {
            throw error(key, "has \(elements.count) elements; allowed are \(maxCount)", found.place)
        }
        return elements
    }

    // MARK: The end

    /// Refuses the keys that were given and never asked for: they would have no effect, and who
    /// wrote them believes otherwise.
    public func finish() throws(ConfigurationError) {
        try refuseUnknownKeys()
        guard let prefix else { return }
        let known = variables
        for name in environment.keys.sorted() where name.hasPrefix(prefix) {
            guard !known.contains(name) else { continue }
            let hint = closest(to: name, in: known.sorted()).map { "; did you mean `\($0)`?" } ?? ""
            throw ConfigurationError("unknown environment variable `\(name)`\(hint)")
        }
    }

    private var variables: Set<String> {
        children.reduce(variablesAsked) { $0.union($1.variables) }
    }

    private func refuseUnknownKeys() throws(ConfigurationError) {
        for key in values.keys.sorted() where !keysAsked.contains(key) {
            let hint =
                closest(to: key, in: keysAsked.sorted())
                .map { "; did you mean `\($0)`?" } ?? "; known are \(keysAsked.sorted())"
            throw ConfigurationError("unknown key `\(fullName(key))` in \(origin)\(hint)")
        }
        for child in children { try child.refuseUnknownKeys() }
    }

    // MARK: Errors

    /// An error about a value, for what only the program can judge.
    public func error(_ key: String, _ problem: String) -> ConfigurationError {
        error(key, problem, origin)
    }

    private func error(_ key: String, _ problem: String, _ place: String) -> ConfigurationError {
        ConfigurationError("`\(fullName(key))` in \(place) \(problem)")
    }

    private func missing(_ key: String) -> ConfigurationError {
        let variable =
            prefix.map { " or the environment variable \($0 + Self.variable(key))" } ?? ""
        return ConfigurationError("`\(fullName(key))` is missing: set it in \(origin)\(variable)")
    }

    private func wrong(_ key: String, _ found: Found, _ wanted: String) -> ConfigurationError {
        error(key, "is \(found.value.kind); wanted is \(wanted)", found.place)
    }

    private func fullName(_ key: String) -> String { path + key }

    // MARK: Looking up

    private struct Found {
        var value: JSONValue
        var place: String
        /// From the environment, where everything is text.
        var isText: Bool
    }

    private func lookUp(_ key: String) throws(ConfigurationError) -> Found? {
        keysAsked.insert(key)
        if let prefix {
            let name = prefix + Self.variable(key)
            variablesAsked.insert(name)
            if let text = environment[name] {
                return Found(value: .string(text), place: "the environment", isText: true)
            }
        }
        switch values[key] {
        case nil, .null?: return nil
        case let value?: return Found(value: value, place: origin, isText: false)
        }
    }

    private func absolute(_ path: String) -> String {
        if path.hasPrefix("/") { return path }
        return (folder ?? URL(filePath: FileManager.default.currentDirectoryPath))
            .appending(path: path).standardizedFileURL.path(percentEncoded: false)
    }

    /// `keyFile` → `KEY_FILE`, `logID` → `LOG_ID`.
    static func variable(_ key: String) -> String {
        var result = ""
        var wasLower = false
        for character in key {
            if character.isUppercase, wasLower { result += "_" }
            wasLower = character.isLowercase || character.isNumber
            result += character.uppercased()
        }
        return result
    }
}
