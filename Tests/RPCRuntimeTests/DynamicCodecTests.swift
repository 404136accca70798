import TestSchemas
import Testing

@testable import RPCRuntime

/// A codec that learns a schema when it runs does what the generated code does.
@Suite struct DynamicCodecTests {
    private let codec: DynamicCodec

    init() throws {
        let schema = try DescriptorSet(decoding: Keywords.descriptor.descriptorSet)
        codec = DynamicCodec(schema)
    }

    static let words: [Words] = [
        Words(), Words(class: 7, default: "häh", in: [1, 2, 3], bytes: [1, 255], reader: 0),
        Words(message: .stream, list: [.case, .unrecognized(99)], package: -1),
        Words(repeat: .max, is: .milliseconds(-1500), value: "\u{1}\"", some: ""),
    ]

    @Test(arguments: words)
    func `JSON is what the generated code writes`(_ message: Words) throws {
        let raw = RawMessage(message.encoded())
        for writesDefaults in [false, true] {
            let found = try codec.json(raw, as: Words.typeName, writesDefaults: writesDefaults)
            let expected = message.encodedJSON(writesDefaults ? .full : .compact)
            #expect(
                String(decoding: found, as: UTF8.self)
                    == String(decoding: expected, as: UTF8.self))
        }
    }

    @Test(arguments: words)
    func `what is made of JSON is read as the same message`(_ message: Words) throws {
        for writesDefaults in [false, true] {
            let json = message.encodedJSON(writesDefaults ? .full : .compact)
            let raw = try codec.encode(json, as: Words.typeName)
            #expect(try Words(decoding: raw.bytes) == message)
        }
    }

    static let refused = [
        "{\"clas\": 1}", "{\"class\": -1}", "{\"class\": 1, \"class\": 1}", "{\"in\": [1, \"x\"]}",
        "{\"message\": \"LOUD\"}", "{\"repeat\": \"yesterday\"}", "{} {}", "[]",
        "{\"bytes\": \"*\"}", "",
    ]

    @Test(arguments: refused)
    func `what the generated code refuses is refused at the same place`(_ json: String) throws {
        let bytes = Array(json.utf8)
        let expected = try #require(throws: DecodingFailure.self) {
            try Words(decodingJSON: bytes)
        }
        let found = try #require(throws: DecodingFailure.self) {
            try codec.encode(bytes, as: Words.typeName)
        }
        #expect(found.pointer == expected.pointer && found.offset == expected.offset)
    }
}
