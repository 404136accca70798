/// Whether two ends that were built from different schemas understand each other in one method.
public enum SchemaVerdict: Sendable, Hashable {
    /// The wire form, and every name in it, are the same.
    case identical
    /// Each end reads what the other writes; values may lie outside what one of them knows.
    case compatible([SchemaChange])
    /// Something that one end writes is lost or misread at the other; breaking changes come first.
    case breaking([SchemaChange])

    /// The most changes that are listed.
    public static var changesMax: Int { 32 }

    /// Compares what a method takes and gives at both ends: the table of `docs/IDL.md`, part 11.
    ///
    /// - Parameter method: `package.Service/method`.
    public init(of method: String, own: DescriptorSet, peer: DescriptorSet) {
        var comparison = SchemaComparison(own: own, peer: peer)
        comparison.compare(method: method)
        let changes = comparison.breaking + comparison.compatible
        if !comparison.breaking.isEmpty {
            self = .breaking(Array(changes.prefix(Self.changesMax)))
        } else {
            self = changes.isEmpty ? .identical : .compatible(changes)
        }
    }

    /// None where the two are identical.
    public var changes: [SchemaChange] {
        switch self {
        case .identical: []
        case .compatible(let changes), .breaking(let changes): changes
        }
    }
}

/// One difference between the schemas of two ends.
public struct SchemaChange: Sendable, Hashable, CustomStringConvertible {
    /// `request` or `response`, then the fields that lead there: `request.punch.serial`.
    public let path: String
    /// What is here and what is at the peer.
    public let text: String
    public let isBreaking: Bool

    public var description: String { "\(path): \(text)" }
}

/// Walks through the messages of both ends side by side.
private struct SchemaComparison {
    private struct Pair: Hashable {
        var own: String
        var peer: String
    }

    let own: DescriptorSet
    let peer: DescriptorSet
    private(set) var breaking: [SchemaChange] = []
    private(set) var compatible: [SchemaChange] = []
    private var seen: Set<Pair> = []
    private var waiting: [(pair: Pair, path: String, depth: Int)] = []

    init(own: DescriptorSet, peer: DescriptorSet) {
        self.own = own
        self.peer = peer
    }

    private mutating func note(_ path: String, breaking isBreaking: Bool, _ text: String) {
        let change = SchemaChange(path: path, text: text, isBreaking: isBreaking)
        if isBreaking {
            if breaking.count < SchemaVerdict.changesMax { breaking.append(change) }
        } else if compatible.count < SchemaVerdict.changesMax {
            compatible.append(change)
        }
    }

    /// The names of a peer's schema are shown in logs: letters, digits and little more of them.
    private static func shown(_ name: String) -> String {
        let isPlain = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."):
                true
            default: false
            }
        }
        return isPlain && name.utf8.count <= 128 ? "`\(name)`" : "a name that cannot be shown"
    }

    mutating func compare(method: String) {
        guard let mine = own.methods[method], let theirs = peer.methods[method] else {
            let place = own.methods[method] == nil ? "here" : "at the peer"
            return note("method", breaking: true, "there is none of this name \(place)")
        }
        if mine.streamsRequests != theirs.streamsRequests {
            note("request", breaking: true, Self.streaming(mine.streamsRequests))
        }
        if mine.streamsResponses != theirs.streamsResponses {
            note("response", breaking: true, Self.streaming(mine.streamsResponses))
        }
        compare(mine.request, theirs.request, "request", 0)
        compare(mine.response, theirs.response, "response", 0)
        // The nearest first, so that paths are as short as they can be.
        var next = 0
        while next < waiting.count {
            let (pair, path, depth) = waiting[next]
            next += 1
            compareFields(pair, path, depth)
        }
    }

    private static func streaming(_ isOwn: Bool) -> String {
        isOwn ? "a stream here, one message at the peer" : "one message here, a stream at the peer"
    }

    private mutating func compare(
        _ mine: String, _ theirs: String, _ path: String, _ depth: Int
    ) {
        // Deeper messages cannot be read at all.
        guard depth <= WireReader.depthLimit else { return }
        let pair = Pair(own: mine, peer: theirs)
        guard seen.insert(pair).inserted else { return }
        if mine != theirs {
            // Times have the same fields but are no exchange for one another.
            let isTime = mine.hasPrefix("google.protobuf.") || theirs.hasPrefix("google.protobuf.")
            note(
                path, breaking: isTime,
                "the message is \(Self.shown(mine)) here, \(Self.shown(theirs)) at the peer")
            if isTime { return }
        }
        waiting.append((pair, path, depth))
    }

    private mutating func compareFields(_ pair: Pair, _ path: String, _ depth: Int) {
        guard let mine = own.messages[pair.own], let theirs = peer.messages[pair.peer] else {
            let place = own.messages[pair.own] == nil ? "here" : "at the peer"
            return note(path, breaking: true, "the schema \(place) lacks the message")
        }
        var left = mine[...]
        var right = theirs[...]
        while let number = [left.first?.number, right.first?.number].compactMap({ $0 }).min() {
            let ownField = left.first?.number == number ? left.popFirst() : nil
            let peerField = right.first?.number == number ? right.popFirst() : nil
            if let ownField, let peerField {
                compare(ownField, peerField, path, depth)
            } else if let field = ownField {
                noteUnknown(field, path, "the peer does not know the field")
            } else if let field = peerField {
                noteUnknown(field, path, "the peer has a field unknown here,")
            }
        }
    }

    private mutating func noteUnknown(
        _ field: DescriptorSet.Field, _ path: String, _ text: String
    ) {
        let required = field.isRequired ? ", which is required" : ""
        note(
            path, breaking: field.isRequired,
            "\(text) \(Self.shown(field.name)) (\(field.number))\(required)")
    }

    private mutating func compare(
        _ mine: DescriptorSet.Field, _ theirs: DescriptorSet.Field, _ parent: String, _ depth: Int
    ) {
        let path = "\(parent).\(mine.name)"
        if mine.name != theirs.name {
            note(path, breaking: false, "named \(Self.shown(theirs.name)) at the peer")
        }
        if mine.isRepeated != theirs.isRepeated {
            return note(
                path, breaking: true,
                mine.isRepeated
                    ? "a list here, one value at the peer" : "one value here, a list at the peer")
        }
        if mine.hasPresence != theirs.hasPresence {
            note(
                path, breaking: false,
                mine.hasPresence
                    ? "optional here, plain at the peer" : "plain here, optional at the peer")
        }
        guard mine.type == theirs.type else {
            let isBreaking =
                WireKind(mine.type) == nil || WireKind(mine.type) != WireKind(theirs.type)
            return note(
                path, breaking: isBreaking,
                "\(Self.type(mine)) here, \(Self.type(theirs)) at the peer")
        }
        switch mine.type {
        case 10, 11: compare(mine.typeName, theirs.typeName, path, depth + 1)
        case 14: compareEnums(mine.typeName, theirs.typeName, path)
        case 1...18: break
        default: note(path, breaking: true, "its type is none that protobuf has")
        }
    }

    private mutating func compareEnums(_ mine: String, _ theirs: String, _ path: String) {
        guard seen.insert(Pair(own: mine, peer: theirs)).inserted else { return }
        if mine != theirs {
            note(
                path, breaking: false,
                "the enum is \(Self.shown(mine)) here, \(Self.shown(theirs)) at the peer")
        }
        let left = own.enums[mine] ?? [:]
        let right = peer.enums[theirs] ?? [:]
        for (number, name) in left.sorted(by: { $0.key < $1.key }) where right[number] != name {
            let other = right[number].map { "\(Self.shown($0)) at" } ?? "unknown at"
            note(
                path, breaking: false,
                "the value \(number) is \(Self.shown(name)) here, \(other) the peer")
        }
        for (number, name) in right.sorted(by: { $0.key < $1.key }) where left[number] == nil {
            note(
                path, breaking: false,
                "the value \(number), \(Self.shown(name)) at the peer, is unknown here")
        }
    }

    private static func type(_ field: DescriptorSet.Field) -> String {
        let names = [
            "double", "float", "int64", "uint64", "int32", "fixed64", "fixed32", "bool", "string",
            "group", "message", "bytes", "uint32", "enum", "sfixed32", "sfixed64", "sint32",
            "sint64",
        ]
        guard (1...18).contains(field.type) else { return "no type of protobuf" }
        let name = names[Int(field.type) - 1]
        return ["group", "message", "enum"].contains(name)
            ? "\(name) \(shown(field.typeName))" : name
    }
}

/// Types that are exchanged for one another where the values fit.
private enum WireKind {
    case varint, zigzag, fixed32, fixed64, text

    /// Nil for types that only their own kind can read.
    init?(_ type: Int32) {
        switch type {
        case 3, 4, 5, 8, 13, 14: self = .varint
        case 17, 18: self = .zigzag
        case 7, 15: self = .fixed32
        case 6, 16: self = .fixed64
        case 9, 12: self = .text
        default: return nil
        }
    }
}
