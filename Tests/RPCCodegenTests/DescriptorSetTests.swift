import MeshAPI
import RPCRuntime
import TestSchemas
import TestSupport
import Testing

@testable import RPCCodegen

/// Descriptors from a peer: read, or refused with a reason, and never a trap.
@Suite struct DescriptorSetTests {
    private let sample: [UInt8]

    init() throws {
        sample = try #require(TestSchemas.SchemaCatalog.services.first).descriptorSet
    }

    @Test func `every service carries descriptors that hold its methods`() throws {
        for service in MeshAPI.SchemaCatalog.services + TestSchemas.SchemaCatalog.services {
            let set = try DescriptorSet(decoding: service.descriptorSet)
            for method in service.methods {
                #expect(SchemaVerdict(of: method.name, own: set, peer: set) == .identical)
            }
        }
    }

    @Test func `every cut is refused, or ends between two files`() throws {
        #expect(sample.count > 500)
        var whole = 0
        for count in sample.indices
        where (try? DescriptorSet(decoding: Array(sample[..<count]))) != nil {
            whole += 1
        }
        // Nothing at all, and what ends behind a file that others import.
        #expect((1...4).contains(whole))
    }

    @Test func `changed bytes never trap`() throws {
        var random = SplitMix(seed: 42)
        let own = try DescriptorSet(decoding: sample)
        let methods = TestSchemas.SchemaCatalog.services.flatMap(\.methods)
        var readable = 0
        for _ in 0..<2000 {
            var bytes = sample
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let index = Int.random(in: bytes.indices, using: &random)
                bytes[index] = UInt8.random(in: 0...255, using: &random)
            }
            guard let peer = try? DescriptorSet(decoding: bytes) else { continue }
            readable += 1
            for method in methods {
                #expect(
                    SchemaVerdict(of: method.name, own: own, peer: peer).changes.count
                        <= SchemaVerdict.changesMax)
            }
        }
        #expect(readable > 100)
    }

    @Test func `the limits of a set hold`() {
        func reason(_ body: (inout DescriptorBytes) -> Void) -> DecodingFailure.Reason? {
            var set = DescriptorBytes()
            set.message(1, body)
            do throws(DecodingFailure) {
                _ = try DescriptorSet(decoding: set.bytes)
                return nil
            } catch { return error.reason }
        }
        let many = DescriptorSet.declarationsMax
        #expect(reason { for _ in 0..<many { $0.message(4) { _ in } } } == nil)
        #expect(
            reason { for _ in 0...many { $0.message(5) { _ in } } } == .tooMany(limit: many))
        #expect(
            reason { $0.message(6) { for _ in 0...many { $0.message(2) { _ in } } } }
                == .tooMany(limit: many))
        let members = DescriptorSet.membersMax
        #expect(
            reason { $0.message(4) { for _ in 0...members { $0.message(2) { _ in } } } }
                == .tooMany(limit: members))
        let long = String(repeating: "a", count: DescriptorSet.nameMax + 1)
        #expect(
            reason { $0.string(2, long) }
                == .tooLong(length: long.utf8.count, limit: DescriptorSet.nameMax))
        let size = DescriptorSet.bytesMax + 1
        #expect(throws: DecodingFailure.self) {
            try DescriptorSet(decoding: [UInt8](repeating: 0, count: size))
        }
    }

    @Test func `messages inside one another end at the depth that is read`() {
        func nested(_ depth: Int) -> [UInt8] {
            var inner = DescriptorBytes()
            inner.string(1, "M")
            for _ in 0..<depth {
                let content = inner
                inner = DescriptorBytes()
                inner.message(3) { $0 = content }
            }
            var set = DescriptorBytes()
            set.message(1) { $0.message(4) { $0 = inner } }
            return set.bytes
        }
        #expect(throws: Never.self) { try DescriptorSet(decoding: nested(60)) }
        #expect(throws: DecodingFailure.self) { try DescriptorSet(decoding: nested(64)) }
        #expect(throws: DecodingFailure.self) { try DescriptorSet(decoding: nested(1000)) }
    }
}
