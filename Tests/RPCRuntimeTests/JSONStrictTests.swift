import MeshAPI
import TestSchemas
import Testing

@testable import RPCRuntime

/// docs/IDL.md, part 7: what is refused, and what is said about it.
@Suite struct JSONStrictTests {
    /// Texts, and what is wrong with them.
    static let refused: [(String, String)] = [
        // Not JSON.
        ("", "biometricflow.test.v1.Everything, at byte 0: the bytes end before the value does"),
        ("{", "biometricflow.test.v1.Everything, at byte 1: the bytes end before the value does"),
        ("\u{FEFF}{}", "biometricflow.test.v1.Everything, at byte 0: expected an object"),
        ("{}{", "biometricflow.test.v1.Everything, at byte 2: there is text behind the value"),
        ("{},", "biometricflow.test.v1.Everything, at byte 2: there is text behind the value"),
        ("{,}", "biometricflow.test.v1.Everything, at byte 1: expected a name in quotes"),
        (
            #"{"last":1,}"#,
            "biometricflow.test.v1.Everything, at byte 10: expected a name in quotes"
        ),
        (
            #"{"last":1 "aBool":true}"#,
            "biometricflow.test.v1.Everything, at byte 10: expected `,` or `}`"
        ),
        (#"{"last":1]"#, "biometricflow.test.v1.Everything, at byte 9: expected `,` or `}`"),
        (#"{"last" 1}"#, "biometricflow.test.v1.Everything, at byte 8: expected `:`"),
        (#"{'last':1}"#, "biometricflow.test.v1.Everything, at byte 1: expected a name in quotes"),
        ("{last:1}", "biometricflow.test.v1.Everything, at byte 1: expected a name in quotes"),
        ("{/**/}", "biometricflow.test.v1.Everything, at byte 1: expected a name in quotes"),
        (#"{"bools":[true,]}"#, "/bools/1, at byte 15: expected true or false"),
        (#"{"bools":[true}"#, "/bools, at byte 14: expected `,` or `]`"),
        (#"{"bools":[,true]}"#, "/bools/0, at byte 10: expected true or false"),
        (#"{"texts":{"a":"b",}}"#, "/texts, at byte 18: expected a name in quotes"),
        (#"{"texts":{1:"b"}}"#, "/texts, at byte 10: expected a name in quotes"),
        (#"{"aBool":TRUE}"#, "/aBool, at byte 9: expected true or false"),
        (#"{"aBool":tru}"#, "/aBool, at byte 9: expected a value"),
        (#"{"aBool":tr"#, "/aBool, at byte 9: the bytes end before the value does"),
        (#"{"aBool":nul}"#, "/aBool, at byte 9: expected a value"),
        (#"{"anInt32":01}"#, "/anInt32, at byte 11: this is not how JSON writes a number"),
        (#"{"anInt32":-}"#, "/anInt32, at byte 11: this is not how JSON writes a number"),
        (#"{"anInt32":1.}"#, "/anInt32, at byte 11: this is not how JSON writes a number"),
        (#"{"anInt32":1e}"#, "/anInt32, at byte 11: this is not how JSON writes a number"),
        (#"{"anInt32":1e+}"#, "/anInt32, at byte 11: this is not how JSON writes a number"),
        (#"{"anInt32":.5}"#, "/anInt32, at byte 11: expected a number"),
        (#"{"anInt32":+5}"#, "/anInt32, at byte 11: expected a number"),
        (#"{"anInt32":0x1}"#, "biometricflow.test.v1.Everything, at byte 12: expected `,` or `}`"),
        (#"{"aDouble":NaN}"#, "/aDouble, at byte 11: expected a number"),
        (#"{"aDouble":Infinity}"#, "/aDouble, at byte 11: expected a number"),
        (#"{"aDouble":-Infinity}"#, "/aDouble, at byte 11: this is not how JSON writes a number"),
        ("{\"aString\":\"a\tb\"}", "/aString, at byte 13: a control character stands in a string"),
        ("{\"aString\":\"a", "/aString, at byte 13: the bytes end before the value does"),
        (#"{"aString":"a\"#, "/aString, at byte 14: the bytes end before the value does"),
        (
            #"{"aString":"\x"}"#,
            "/aString, at byte 12: a string has an escape that means no character"
        ),
        (
            #"{"aString":"\u12g4"}"#,
            "/aString, at byte 12: a string has an escape that means no character"
        ),
        (
            #"{"aString":"\u12"}"#,
            "/aString, at byte 12: a string has an escape that means no character"
        ),
        (
            #"{"aString":"\ud83d"}"#,
            "/aString, at byte 12: a string has an escape that means no character"
        ),
        (
            #"{"aString":"\ud83dx"}"#,
            "/aString, at byte 12: a string has an escape that means no character"
        ),
        (
            #"{"aString":"\ud83d\u0041"}"#,
            "/aString, at byte 12: a string has an escape that means no character"
        ),
        (
            #"{"aString":"\udc4d"}"#,
            "/aString, at byte 12: a string has an escape that means no character"
        ),
        // Not the message.
        ("[]", "biometricflow.test.v1.Everything, at byte 0: expected an object, not a list"),
        ("null", "biometricflow.test.v1.Everything, at byte 0: expected an object, not null"),
        (#"{"x":1}"#, #"/x: no field is called "x""#),
        (#"{"ABool":true}"#, #"/ABool: no field is called "ABool""#),
        (#"{"a_Bool":true}"#, #"/a_Bool: no field is called "a_Bool""#),
        (#"{"a/b~c":1}"#, #"/a~1b~0c: no field is called "a/b~c""#),
        (#"{"aBool":true,"aBool":true}"#, #"/aBool: "aBool" comes twice"#),
        (#"{"aBool":null,"a_bool":true}"#, #"/a_bool: "aBool" comes twice"#),
        (#"{"last":1,"last":1}"#, #"/last: "last" comes twice"#),
        (#"{"last":1,"aBool":true,"last":1}"#, #"/last: "last" comes twice"#),
        (#"{"texts":{"a":"","a":""}}"#, #"/texts/a: "a" comes twice"#),
        (#"{"texts":{"a":"","\u0061":""}}"#, #"/texts/a: "\u0061" comes twice"#),
        (#"{"doubles32":{"1":1,"1.0":1}}"#, #"/doubles32/1.0: "1.0" comes twice"#),
        (
            #"{"chosenBool":true,"chosenText":""}"#,
            #"/chosenText: "chosenText" is a second choice of one oneof"#
        ),
        (#"{"aBool":1}"#, "/aBool: expected true or false, not a number"),
        (#"{"aBool":"true"}"#, "/aBool: expected true or false, not a string"),
        (#"{"anInt32":true}"#, "/anInt32: expected a number, not a truth value"),
        (#"{"anInt32":{}}"#, "/anInt32: expected a number, not an object"),
        (#"{"anInt32":1.5}"#, "/anInt32: 1.5 is no int32"),
        (#"{"anInt32":1e-1}"#, "/anInt32: 1e-1 is no int32"),
        (#"{"anInt32":2147483648}"#, "/anInt32: 2147483648 is no int32"),
        (#"{"anInt32":1e999999999999999999999}"#, "/anInt32: 1e999999999999999999999 is no int32"),
        (#"{"aUint32":-1}"#, "/aUint32: -1 is no uint32"),
        (#"{"aUint64":18446744073709551616}"#, "/aUint64: 18446744073709551616 is no uint64"),
        (#"{"anInt64":"x"}"#, #"/anInt64: "x" is no number"#),
        (#"{"anInt64":" 1"}"#, #"/anInt64: " 1" is no number"#),
        (#"{"anInt64":""}"#, #"/anInt64: "" is no number"#),
        (#"{"anInt64":"01"}"#, #"/anInt64: "01" is no number"#),
        (#"{"aFloat":1e39}"#, "/aFloat: 1e39 is no float"),
        (#"{"aDouble":1e309}"#, "/aDouble: 1e309 is no double"),
        (#"{"aDouble":"nan"}"#, #"/aDouble: "nan" is no double"#),
        (#"{"aString":1}"#, "/aString: expected a string, not a number"),
        (#"{"someBytes":"A"}"#, #"/someBytes: "A" is no base64"#),
        (#"{"someBytes":"AA="}"#, #"/someBytes: "AA=" is no base64"#),
        (#"{"someBytes":"AA==="}"#, #"/someBytes: "AA===" is no base64"#),
        (#"{"someBytes":"A A="}"#, #"/someBytes: "A A=" is no base64"#),
        (#"{"someBytes":"AB=="}"#, #"/someBytes: "AB==" is no base64"#),
        (#"{"someBytes":"+_8="}"#, #"/someBytes: "+_8=" is no base64"#),
        (
            #"{"aTimestamp":"2026-02-30T00:00:00Z"}"#,
            #"/aTimestamp: "2026-02-30T00:00:00Z" is no timestamp"#
        ),
        (
            #"{"aTimestamp":"2026-02-03T00:00:00z"}"#,
            #"/aTimestamp: "2026-02-03T00:00:00z" is no timestamp"#
        ),
        (
            #"{"aTimestamp":"2026-02-03t00:00:00Z"}"#,
            #"/aTimestamp: "2026-02-03t00:00:00Z" is no timestamp"#
        ),
        (#"{"aTimestamp":0}"#, "/aTimestamp: expected a string, not a number"),
        (#"{"aDuration":"1"}"#, #"/aDuration: "1" is no duration"#),
        (#"{"aDuration":"1.s"}"#, #"/aDuration: "1.s" is no duration"#),
        (#"{"aDuration":".5s"}"#, #"/aDuration: ".5s" is no duration"#),
        (#"{"aDuration":"01s"}"#, #"/aDuration: "01s" is no duration"#),
        (#"{"aDuration":"1.0123456789s"}"#, #"/aDuration: "1.0123456789s" is no duration"#),
        (#"{"aDuration":"315576000001s"}"#, #"/aDuration: "315576000001s" is no duration"#),
        (#"{"aMood":"FOO"}"#, #"/aMood: "FOO" is no value of biometricflow.test.v1.Mood"#),
        (#"{"aMood":"sad"}"#, #"/aMood: "sad" is no value of biometricflow.test.v1.Mood"#),
        (#"{"aMood":2147483648}"#, "/aMood: 2147483648 is no value of biometricflow.test.v1.Mood"),
        (#"{"aMood":true}"#, "/aMood: expected a string, not a truth value"),
        (#"{"anID":"0"}"#, #"/anID: "0" is no UUID"#),
        (#"{"aLeaf":[]}"#, "/aLeaf: expected an object, not a list"),
        (#"{"bools":true}"#, "/bools: expected a list, not a truth value"),
        (#"{"bools":[null]}"#, "/bools/0: expected true or false, not null"),
        (#"{"leaves":[{},null]}"#, "/leaves/1: expected an object, not null"),
        (#"{"texts":{"a":null}}"#, "/texts/a: expected a string, not null"),
        (#"{"texts":[]}"#, "/texts: expected an object, not a list"),
        (#"{"bytesByBool":{"yes":""}}"#, #"/bytesByBool/yes: "yes" is no truth value"#),
        (
            #"{"children":[{},{"children":[{"aLeaf":{"second":{"in":[1,-1]}}}]}]}"#,
            "/children/1/children/0/aLeaf/second/in/1: -1 is no uint32"
        ),
    ]

    @Test(arguments: refused)
    func `a text is refused with its place and the reason`(_ text: String, _ expected: String)
        throws
    {
        let error = try #require(throws: DecodingFailure.self) {
            try Everything(decodingJSON: Array(text.utf8))
        }
        #expect(error.description == expected)
    }

    @Test func `an error names pointer, message and byte`() throws {
        let text = #"{"punches":[{},{"sequence":"7","punch":{"user":"7","source":"FOO"}}]}"#
        let error = try #require(throws: DecodingFailure.self) {
            try LocationPunchPage(decodingJSON: Array(text.utf8))
        }
        #expect(
            error.description
                == #"/punches/1/punch/source: "FOO" is no value of biometricflow.v1.PunchSource"#)
        #expect(error.pointer == "/punches/1/punch/source" && error.offset == 60)
        #expect(error.message == "biometricflow.v1.Punch")
    }

    @Test func `a string that is not UTF-8 is refused wherever it stands`() throws {
        let bad: [[UInt8]] = [
            [0xC3, 0x28], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0xFF], [0xF4, 0x90, 0x80, 0x80],
        ]
        let places = [
            #"{"aString":"~"}"#, #"{"~":1}"#, #"{"x":"~"}"#, #"{"x":{"~":1}}"#,
            #"{"texts":{"~":""}}"#, #"{"aString":"~\n"}"#,
        ]
        for bytes in bad {
            for place in places {
                let text = place.utf8.flatMap { $0 == UInt8(ascii: "~") ? bytes : [$0] }
                let error = try #require(throws: DecodingFailure.self) {
                    try Everything(decodingJSON: text, ignoresUnknown: true)
                }
                #expect(error.reason == .invalidUTF8, "\(place)")
            }
        }
    }

    @Test(arguments: [
        (#"{"size":11}"#, "/size: 11 is not within 0...10 (`range` in the schema)"),
        (#"{"depth":"0"}"#, "/depth: 0 is not within -20...-10 (`range` in the schema)"),
        (#"{"share":"NaN"}"#, "/share: nan is not within 0.0...1.5 (`range` in the schema)"),
        (#"{"code":"a"}"#, "/code: 1 bytes are under the limit of 2 (`min` in the schema)"),
        (#"{"code":"abcde"}"#, "/code: 5 bytes are over the limit of 4 (`max` in the schema)"),
        (
            #"{"codes":["ab","\u00e4\u00e4\u00e4"]}"#,
            "/codes/1: 6 bytes are over the limit of 4 (`max` in the schema)"
        ),
        (
            #"{"codes":["ab","ab","ab","ab"]}"#,
            "/codes: the list is over the limit of 3 (`max` in the schema)"
        ),
        (#"{"marks":[2]}"#, "/marks/0: 2 is not within -1...1 (`range` in the schema)"),
        (#"{"byCode":{"":1}}"#, "/byCode/: 0 bytes are under the limit of 1 (`min` in the schema)"),
        (#"{"byCode":{"a":0}}"#, "/byCode/a: 0 is not within 1...9 (`range` in the schema)"),
        (
            #"{"byCode":{"a":1,"b":1,"c":1}}"#,
            "/byCode: the list is over the limit of 2 (`max` in the schema)"
        ),
        (#"{"pin":10000}"#, "/pin: 10000 is not within 0...9999 (`range` in the schema)"),
        (#"{"word":"abc"}"#, "/word: 3 bytes are under the limit of 4 (`min` in the schema)"),
    ])
    func `the limits of the schema hold`(_ text: String, _ expected: String) throws {
        let error = try #require(throws: DecodingFailure.self) {
            try Limited(decodingJSON: Array(text.utf8))
        }
        #expect(error.description == expected)
    }

    @Test func `bytes have their limit too`() throws {
        let full = Everything(someBytes: [UInt8](repeating: 7, count: 64)).encodedJSON()
        #expect(try Everything(decodingJSON: full).someBytes.count == 64)
        let error = try #require(throws: DecodingFailure.self) {
            try Everything(
                decodingJSON: Everything(someBytes: [UInt8](repeating: 7, count: 65)).encodedJSON())
        }
        #expect(error.reason == .tooLong(length: 65, limit: 64))
    }

    @Test func `a number has as many characters as a double can need, and some more`() throws {
        for (count, isRead) in [(1000, true), (1200, false), (100_000, false)] {
            let digits = "0." + String(repeating: "3", count: count)
            for text in [#"{"aDouble":\#(digits)}"#, #"{"aDouble":"\#(digits)"}"#] {
                let value = try? Everything(decodingJSON: Array(text.utf8))
                #expect((value == Everything(aDouble: 1.0 / 3)) == isRead)
            }
        }
    }
}
