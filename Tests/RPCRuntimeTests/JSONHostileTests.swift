import MeshAPI
import TestSchemas
import TestSupport
import Testing

@testable import RPCRuntime

/// Texts that no honest client sends, and all that an honest one does.
@Suite struct JSONHostileTests {
    static let samples: [any Message] =
        CodecHostileTests.samples + [
            Everything(
                aString: "\u{1}\"ä👍", choice: .chosenLeaf(Leaf(third: "\\")), texts: ["ü": "\n"],
                leafByNumber: [-1: Leaf(first: 2)], bytesByBool: [true: [1, 2, 3]],
                inner: Everything.Inner(shade: .bright, deeper: Everything.Inner.Deeper(text: "t")))
        ]

    private func decode(
        _ type: any Message.Type, _ text: [UInt8], ignoresUnknown: Bool = false
    ) -> [UInt8]? {
        try? type.init(decodingJSON: text, ignoresUnknown: ignoresUnknown).encodedJSON()
    }

    @Test(arguments: samples)
    func `a message is read as it was written`(_ sample: any Message) throws {
        let text = sample.encodedJSON()
        #expect(decode(type(of: sample), text) == text)
        let all = sample.encodedJSON(.full)
        #expect(decode(type(of: sample), all) == text)
    }

    @Test(arguments: samples)
    func `every cut of a message is refused`(_ sample: any Message) {
        let text = sample.encodedJSON()
        for count in text.indices {
            #expect(decode(type(of: sample), Array(text.prefix(count))) == nil)
        }
    }

    @Test(arguments: samples)
    func `every flipped bit gives an error or a message that can be written`(
        _ sample: any Message
    ) {
        let text = sample.encodedJSON()
        for index in text.indices {
            for bit in 0..<8 {
                var changed = text
                changed[index] ^= 1 << UInt8(bit)
                if let again = decode(type(of: sample), changed, ignoresUnknown: true) {
                    #expect(decode(type(of: sample), again) == again)
                }
            }
        }
    }

    @Test func `random tokens never trap`() {
        var random = SplitMix(seed: 7)
        let tokens = [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "null", "true", "1", "-", "e9", ".5",
            "\"aBool\"",
            "\"children\"", "\"texts\"", "\"leaves\"", "\"chosenText\"", "\"a\":1", "\u{e4}",
            "\\ud83d", " ",
        ]
        var accepted = 0
        for _ in 0..<20_000 {
            let text = (0..<(random.next() % 12)).map { _ in
                tokens[Int(random.next() % UInt64(tokens.count))]
            }
            let bytes = Array("{\(text.joined())}".utf8)
            if decode(Everything.self, bytes, ignoresUnknown: true) != nil { accepted += 1 }
        }
        #expect(accepted > 0)
    }

    @Test func `random messages come back as they were`() throws {
        for seed in 0..<300 as Range<UInt64> {
            var random = SplitMix(seed: seed)
            let value = Everything.random(&random, depth: 2)
            let text = value.encodedJSON()
            #expect(try Everything(decodingJSON: text) == value, "seed \(seed)")
            let all = value.encodedJSON(.full)
            #expect(try Everything(decodingJSON: all) == value, "seed \(seed)")
        }
    }

    @Test func `random numbers come back as they were`() throws {
        var random = SplitMix(seed: 11)
        for _ in 0..<5000 {
            let wide = Double(bitPattern: random.next())
            let narrow = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            let value = Everything(
                aFloat: narrow.isNaN ? 0 : narrow, aDouble: wide.isNaN ? 0 : wide)
            #expect(try Everything(decodingJSON: value.encodedJSON()) == value)
            // With few digits, which are read another way.
            let digits = random.next() >> (random.next() % 60)
            let text = "\(digits)e\(Int(random.next() % 48) - 30)"
            let read = try Everything(
                decodingJSON: Array(#"{"aDouble":\#(text),"aFloat":\#(text)}"#.utf8))
            #expect(read.aDouble == Double(text) && read.aFloat == Float(text), "\(text)")
        }
    }

    // MARK: Depth and size

    @Test func `nesting has a limit, for messages and for what is passed over`() throws {
        func nested(_ depth: Int, _ open: String, _ close: String) -> [UInt8] {
            Array(
                (String(repeating: open, count: depth) + String(repeating: close, count: depth))
                    .utf8)
        }
        let message = Array("{".utf8) + nested(64, #""children":[{"#, "}]") + Array("}".utf8)
        #expect(throws: Never.self) { try Everything(decodingJSON: message) }
        for depth in [65, 20_000] {
            let text = Array("{".utf8) + nested(depth, #""children":[{"#, "}]") + Array("}".utf8)
            let error = try #require(throws: DecodingFailure.self) {
                try Everything(decodingJSON: text)
            }
            #expect(error.reason == .tooDeep(limit: 64))
            #expect(error.pointer == String(repeating: "/children/0", count: 65))
        }
        for (open, close) in [("[", "]"), (#"{"a":"#, "}"), (#"[{"a":"#, "}]")] {
            let step = open.count > 5 ? 2 : 1
            func unknown(_ depth: Int) -> [UInt8] {
                let half = Array((String(repeating: open, count: depth) + "1").utf8)
                return Array(#"{"x":"#.utf8) + half
                    + Array(String(repeating: close, count: depth).utf8) + Array("}".utf8)
            }
            #expect(throws: Never.self) {
                try Everything(decodingJSON: unknown(64 / step), ignoresUnknown: true)
            }
            for depth in [65 / step + 1, 100_000] {
                let error = try #require(throws: DecodingFailure.self) {
                    try Everything(decodingJSON: unknown(depth), ignoresUnknown: true)
                }
                #expect(error.reason == .tooDeep(limit: 64))
            }
        }
    }

    @Test func `a message of many fields knows which it has had`() throws {
        let all = Many(has: Set(0..<150))
        let text = all.encodedJSON()
        #expect(try Many(decodingJSON: text) == all)
        for index in [0, 63, 64, 65, 127, 128, 149] {
            let name = "f\(index)"
            for again in [name, "\\u0066\(index)"] {
                let twice = Array(text.dropLast()) + Array(#","\#(again)":1}"#.utf8)
                let error = try #require(throws: DecodingFailure.self) {
                    try Many(decodingJSON: twice)
                }
                #expect(error.reason == .json(.duplicate(name)))
            }
        }
        // In an object inside, and behind it, the fields are others.
        let nested = #"{"f100":1,"inner":[{"f100":1,"f0":1},{"f100":1}],"f149":1,"f0":1}"#
        #expect(try Many(decodingJSON: Array(nested.utf8)).inner.count == 2)
        let twice = nested.replacing(#""f149":1"#, with: #""f100":1"#)
        let error = try #require(throws: DecodingFailure.self) {
            try Many(decodingJSON: Array(twice.utf8))
        }
        #expect(error.reason == .json(.duplicate("f100")))
    }

    @Test func `long names and values are cut short in errors`() throws {
        let long = String(repeating: "x", count: 1 << 20)
        for text in [#"{"\#(long)":1}"#, #"{"aMood":"\#(long)"}"#, #"{"texts":{"\#(long)":1}}"#] {
            let error = try #require(throws: DecodingFailure.self) {
                try Everything(decodingJSON: Array(text.utf8))
            }
            #expect(error.description.utf8.count < 1000)
        }
    }

    /// A time that grew with the square of the size would take hours.
    @Test(.timeLimit(.minutes(5)))
    func `four megabytes are read in one go`() throws {
        let count = (4 << 20) / 12
        let value = Tree(children: [Tree](repeating: Tree(size: 1), count: count))
        let text = value.encodedJSON()
        #expect(text.count > 2 << 20)
        #expect(try Tree(decodingJSON: text) == value)
        let texts = [
            #"{"x":[\#(String(repeating: "{},", count: 1 << 20))1]}"#,
            #"{"x":"\#(String(repeating: "\\n", count: 2 << 20))"}"#,
            "{\(String(repeating: "\"x\":1,", count: 1 << 19))\"size\":1}",
        ]
        for text in texts {
            #expect(throws: Never.self) {
                try Tree(decodingJSON: Array(text.utf8), ignoresUnknown: true)
            }
        }
    }
}

/// A message that holds any number of its own kind.
private struct Tree: Message {
    var size: UInt32 = 0
    var children: [Tree] = []

    init() {}
    init(size: UInt32 = 0, children: [Tree] = []) { (self.size, self.children) = (size, children) }

    static var typeName: String { "test.Tree" }

    func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        writer.field(1, "size", size)
        writer.field(2, "children", children)
    }

    mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        try reader.field(bytes, 1, "size", &size)
        try reader.field(bytes, 2, "children", &children, count: .max)
        try reader.rest(bytes)
    }
}

/// A message of more fields than a word has bits.
private struct Many: Message {
    var has: Set<Int> = []
    var inner: [Many] = []

    init() {}
    init(has: Set<Int> = [], inner: [Many] = []) { (self.has, self.inner) = (has, inner) }

    static var typeName: String { "test.Many" }
    static let names = (0..<150).map { "f\($0)" }

    func write(to writer: inout some FieldWriter & ~Copyable & ~Escapable) {
        for index in has.sorted() {
            writer.field(UInt32(index + 1), Self.names[index], UInt32(1) as UInt32?)
        }
        writer.field(1000, "inner", inner)
    }

    mutating func read(from bytes: Span<UInt8>, _ reader: inout some FieldReader)
        throws(DecodingFailure)
    {
        for (index, name) in Self.names.enumerated() {
            var value: UInt32?
            try reader.field(bytes, UInt32(index + 1), name, &value)
            if value != nil { has.insert(index) }
        }
        try reader.field(bytes, 1000, "inner", &inner, count: .max)
        try reader.rest(bytes)
    }
}
