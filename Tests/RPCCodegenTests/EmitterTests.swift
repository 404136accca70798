import Testing

@testable import RPCCodegen

/// The whole of what is generated for one small schema, as a reader would like to find it.
@Suite struct EmitterTests {
    /// A schema, and what becomes of it, each behind a line of dashes.
    private let golden: Golden

    init() throws { golden = try Golden("clock") }

    private func compiled() -> (Compilation, Schema?) {
        let compilation = TestTree(["clock.rpc": golden.parts[0]]).compile("clock.rpc")
        return (compilation, compilation.schemas["clock.rpc"])
    }

    @Test func `the Swift file reads as if a careful person wrote it`() throws {
        let (compilation, schema) = compiled()
        #expect(compilation.diagnostics.all.isEmpty)
        let text = SwiftEmitter(compilation: compilation)
            .file(try #require(schema), label: "Schemas/clock.rpc")
        try golden.check(1, text)
        let long = text.split(separator: "\n").filter { $0.count > 100 }
        #expect(long == [])
    }

    @Test func `the .proto file says the same`() throws {
        let (compilation, schema) = compiled()
        let text = ProtoEmitter(compilation: compilation)
            .file(try #require(schema), label: "Schemas/clock.rpc")
        try golden.check(2, text)
    }

    @Test func `the fingerprint covers what the wire form depends on, and nothing else`() throws {
        let (compilation, schema) = compiled()
        let service = try #require(schema?.services.first)
        #expect(
            compilation.canonicalText(service) == """
                service clock.v1.Bell
                record stream clock.v1.Alarm -> clock.v1.Alarm
                ring clock.v1.Alarm -> clock.v1.Alarm
                tune stream clock.v1.Alarm -> stream clock.v1.Alarm
                watch clock.v1.Alarm -> stream clock.v1.Alarm
                message clock.v1.Alarm
                1 at timestamp?
                2 volumes list<clock.v1.Volume>
                3 label string
                5 logID bytes
                6 room target uint32
                7 guest target clock.v1.Alarm.Guest
                8 notes map<string, string>
                9 pin string?
                10 key uuid
                message clock.v1.Alarm.Guest
                1 name string
                2 mood clock.v1.Alarm.Guest.Mood
                enum clock.v1.Alarm.Guest.Mood
                0 calm
                1 cross
                enum clock.v1.Volume
                0 quiet
                3 default

                """)
        func fingerprint(_ old: String, _ new: String) throws -> String {
            let text = golden.parts[0].replacing(old, with: new)
            #expect(text != golden.parts[0])
            let changed = TestTree(["clock.rpc": text]).compile("clock.rpc")
            return changed.canonicalText(
                try #require(changed.schemas["clock.rpc"]?.services.first))
        }
        let before = compilation.canonicalText(service)
        #expect(try fingerprint("Wakes the neighbours", "Loud") == before)
        #expect(try fingerprint("1500ms", "2s") == before)
        #expect(try fingerprint("role ctl, gateway", "role ctl") == before)
        #expect(try fingerprint("idle 5m", "idle 6m") == before)
        #expect(try fingerprint("record(stream Alarm", "record(Alarm") != before)
        #expect(try fingerprint("at: timestamp?", "at: timestamp") != before)
        #expect(try fingerprint("default = 3", "default = 4") != before)
        #expect(
            try fingerprint("-> stream Alarm { deadline none", "-> Alarm { deadline 5s")
                != before)
    }

    @Test func `the hashes are FNV-1a`() {
        // From the test vectors of the algorithm's authors.
        #expect(FNV1a.hash32("") == 0x811C_9DC5)
        #expect(FNV1a.hash32("a") == 0xE40C_292C)
        #expect(FNV1a.hash32("foobar") == 0xBF9C_F968)
        #expect(FNV1a.hash64("") == 0xCBF2_9CE4_8422_2325)
        #expect(FNV1a.hash64("a") == 0xAF63_DC4C_8601_EC8C)
        #expect(FNV1a.hash64("foobar") == 0x8594_4171_F739_67E8)
    }

    static let names: [(String, String, String)] = [
        ("device", "device", "device"), ("logID", "log_id", "logId"), ("asOf", "as_of", "asOf"),
        ("newURLPath", "new_url_path", "newUrlPath"), ("int32s", "int32s", "int32s"),
        ("a1B2", "a1_b2", "a1B2"), ("x", "x", "x"), ("isTLS13", "is_tls13", "isTls13"),
    ]

    @Test(arguments: names)
    func `names have one form in a .proto`(_ name: String, _ snake: String, _ json: String) {
        #expect(Names.snakeCase(name) == snake)
        #expect(Names.protobufJSONName(snake) == json)
    }
}
