import TestSchemas
import Testing

@testable import RPCRuntime

/// docs/IDL.md, part 7: members that a message does not have.
@Suite struct JSONUnknownTests {
    @Test(arguments: [
        "1", "-0.5e9", "true", "false", "null", #""a\n\u0041""#, "[]", "{}", "[ ]", "{ }",
        "[[],{}]",
        #"[1,{"a":[true,null],"b":{}},"c"]"#, #"{"a":1,"a":1,"b":{"":[]}}"#, " [ 1 , 2 ] ",
    ])
    func `what is not known is passed over on request`(_ value: String) throws {
        let text = Array(#"{"aBool":true,"x":\#(value),"last":1,"y_z":\#(value)}"#.utf8)
        #expect(throws: DecodingFailure.self) { try Everything(decodingJSON: text) }
        let read = try Everything(decodingJSON: text, ignoresUnknown: true)
        #expect(read == Everything(aBool: true, last: 1))
    }

    @Test(arguments: [
        "", "[", "[1", "[1,]", "[,]", "[1 2]", "[1}", "{1}", #"{"a"}"#, #"{"a":}"#, #"{"a":1,}"#,
        #"{"a":1]"#, #"{"a":1"#, "01", "1.", "tru", "nulL", "x", #""\x""#, #""\ud800""#, "\"\n\"",
        "[}", "{]",
        #"{"\q":1}"#,
    ])
    func `what is passed over is JSON all the same`(_ value: String) throws {
        let error = try #require(throws: DecodingFailure.self) {
            try Everything(decodingJSON: Array(#"{"x":\#(value)}"#.utf8), ignoresUnknown: true)
        }
        #expect(error.reason.isOfText)
    }
}
