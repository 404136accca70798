import Spans
import Testing

/// Copies whose lengths go through all ways of copying, and text of ASCII.
struct SpanCopyingTests {
    @Test("bytes of every length are copied, and nothing beside them")
    func copies() {
        for length in 0...70 {
            let source = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 1) }
            let copied = [UInt8](capacity: length + 2) { output in
                output.append(0xEE)
                output.append(copying: source.span)
                output.append(0xDD)
            }
            #expect(copied == [0xEE] + source + [0xDD], "\(length) bytes")
        }
    }

    @Test("the lowest bytes of a word are appended, with room for the whole word and without")
    func words() {
        let word: UInt64 = 0x0807_0605_0403_0201
        for (count, room) in (1...8).flatMap({ count in [count, 8, 9].map { (count, $0) } }) {
            let bytes = [UInt8](capacity: room) { $0.append(low: word, count: count) }
            #expect(bytes == (1...count).map { UInt8($0) }, "\(count) bytes, room for \(room)")
        }
    }

    @Test("an array has the bytes of its span, of every length")
    func arrays() {
        for length in 0...70 {
            let source = (0..<length).map { UInt8($0) }
            #expect([UInt8](copying: source.span) == source)
            #expect([UInt8](copying: source.span.extracting(droppingLast: 1)) == source.dropLast())
        }
    }

    @Test("a word is read where there are eight bytes, and nowhere else")
    func wordAt() {
        let source = (1...17).map { UInt8($0) }
        for index in 0...9 {
            let expected = (0..<8).reduce(UInt64(0)) { $0 | UInt64(source[index + $1]) << ($1 * 8) }
            #expect(source.span.word(at: index) == expected, "at \(index)")
        }
        for index in [-1, 10, 16, 17, 18, .min, .max] {
            #expect(source.span.word(at: index) == nil, "at \(index)")
        }
        #expect([UInt8](repeating: 1, count: 7).span.word(at: 0) == nil)
    }

    @Test("a lent value is the one that was lent")
    func lent() {
        final class Part {}
        let values = (0..<3).map { index in (index, Part()) }
        for index in values.indices {
            var seen: [ObjectIdentifier] = []
            withUnchanged(values[index]) { seen.append(ObjectIdentifier($0.1)) }
            values.span.withUnchanged(at: index) { seen.append(ObjectIdentifier($0.1)) }
            #expect(seen == [ObjectIdentifier](repeating: .init(values[index].1), count: 2))
        }
    }

    @Test("an element that is not there ends the program")
    func noElement() async {
        await #expect(processExitsWith: .failure) {
            [1, 2].span.withUnchanged(at: 2) { _ in }
        }
    }

    @Test("text is read when all of its bytes are ASCII, whatever its length")
    func ascii() {
        for length in 0...40 {
            var bytes = (0..<length).map { UInt8(0x20 + $0) }
            #expect(String(ascii: bytes.span) == String(decoding: bytes, as: UTF8.self))
            for index in 0..<length {
                let byte = bytes[index]
                bytes[index] = 0x80
                #expect(String(ascii: bytes.span) == nil, "byte \(index) of \(length)")
                bytes[index] = byte
            }
        }
    }

    @Test("a copy that has no room ends the program")
    func noRoom() async {
        await #expect(processExitsWith: .failure) {
            let source = [UInt8](repeating: 7, count: 9)
            _ = [UInt8](capacity: 8) { output in output.append(copying: source.span) }
        }
    }
}
