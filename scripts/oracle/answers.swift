import Drawn
import Foundation
import RPCRuntime

// Reads records (kind, type name, content) and answers each with what our codec makes of it:
//
//   b   binary → binary, JSON      j   JSON → binary
//
// Each part stands behind its length (4 bytes, little-endian). An answer begins with `+`, or with
// `-` and the error.

/// The parts of a file, one after another.
struct Parts {
    let bytes: [UInt8]
    var position = 0

    mutating func next() -> [UInt8]? {
        guard bytes.count - position >= 4 else { return nil }
        let length = (0..<4).reduce(0) { $0 | Int(bytes[position + $1]) << ($1 * 8) }
        guard bytes.count - position - 4 >= length else { return nil }
        defer { position += 4 + length }
        return Array(bytes[(position + 4)..<(position + 4 + length)])
    }
}

func append(_ part: [UInt8], to output: inout [UInt8]) {
    for shift in stride(from: 0, to: 32, by: 8) {
        output.append(UInt8(truncatingIfNeeded: part.count >> shift))
    }
    output += part
}

/// The answer to one record: two parts.
func answer(_ kind: String, _ type: any Message.Type, _ content: [UInt8]) -> ([UInt8], [UInt8]) {
    do throws(DecodingFailure) {
        let message =
            try kind == "b" ? type.init(decoding: content) : type.init(decodingJSON: content)
        let encoded = message.encoded()
        let again = try type.init(decoding: encoded)
        guard again.encoded() == encoded else { return (Array("-not deterministic".utf8), []) }
        let json = message.encodedJSON()
        // What we write we read, and it is the same but for what has no name.
        guard try type.init(decodingJSON: json).encodedJSON() == json else {
            return (Array("-JSON changes".utf8), [])
        }
        return ([UInt8(ascii: "+")] + encoded, json)
    } catch {
        return (Array("-\(error.reason)".utf8), [])
    }
}

let arguments = CommandLine.arguments
let types = Dictionary(uniqueKeysWithValues: SchemaCatalog.messages.map { ($0.typeName, $0) })
var parts = Parts(bytes: [UInt8](try Data(contentsOf: URL(fileURLWithPath: arguments[1]))))
var output: [UInt8] = []
while let kind = parts.next(), let name = parts.next(), let content = parts.next() {
    guard let type = types[String(decoding: name, as: UTF8.self)] else {
        fatalError("no message \(String(decoding: name, as: UTF8.self))")
    }
    let (first, second) = answer(String(decoding: kind, as: UTF8.self), type, content)
    append(first, to: &output)
    append(second, to: &output)
}
try Data(output).write(to: URL(fileURLWithPath: arguments[2]))
