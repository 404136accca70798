import TestSchemas
import Testing

@testable import RPCRuntime

/// docs/IDL.md, part 7: what each type is in JSON.
@Suite struct JSONMappingTests {
    /// A value and its text, which turn into each other.
    static let known: [(Everything, String)] = [
        (Everything(), "{}"),
        (Everything(aBool: true), #"{"aBool":true}"#),
        (Everything(anInt32: -5), #"{"anInt32":-5}"#),
        (Everything(anInt32: .min), #"{"anInt32":-2147483648}"#),
        (Everything(anInt64: .min), #"{"anInt64":"-9223372036854775808"}"#),
        (Everything(anInt64: .max), #"{"anInt64":"9223372036854775807"}"#),
        (Everything(aUint32: .max), #"{"aUint32":4294967295}"#),
        (Everything(aUint64: .max), #"{"aUint64":"18446744073709551615"}"#),
        (Everything(aFloat: 1.5), #"{"aFloat":1.5}"#),
        (Everything(aFloat: 0.1), #"{"aFloat":0.1}"#),
        (Everything(aFloat: -0.0), #"{"aFloat":-0.0}"#),
        (Everything(aFloat: .infinity), #"{"aFloat":"Infinity"}"#),
        (Everything(aFloat: .greatestFiniteMagnitude), #"{"aFloat":3.4028235e+38}"#),
        (Everything(aDouble: 1e300), #"{"aDouble":1e+300}"#),
        (Everything(aDouble: .leastNonzeroMagnitude), #"{"aDouble":5e-324}"#),
        (Everything(aDouble: 0.1 + 0.2), #"{"aDouble":0.30000000000000004}"#),
        (Everything(aDouble: -.infinity), #"{"aDouble":"-Infinity"}"#),
        (Everything(aString: "häh 👍"), #"{"aString":"häh 👍"}"#),
        (Everything(aString: "\"\\/\u{7f}\u{2028}"), #"{"aString":"\"\\/"# + "\u{7f}\u{2028}\"}"),
        (
            Everything(aString: "\0\u{8}\t\n\u{b}\u{c}\r\u{1f}"),
            #"{"aString":"\u0000\b\t\n\u000b\f\r\u001f"}"#
        ),
        (
            Everything(aString: "a long text with \"one\" escape"),
            #"{"aString":"a long text with \"one\" escape"}"#
        ),
        (Everything(someBytes: [0]), #"{"someBytes":"AA=="}"#),
        (Everything(someBytes: [0xFB, 0xFF]), #"{"someBytes":"+/8="}"#),
        (Everything(someBytes: [0xFB, 0xFF, 0xFE]), #"{"someBytes":"+//+"}"#),
        (Everything(aTimestamp: .min), #"{"aTimestamp":"0001-01-01T00:00:00Z"}"#),
        (Everything(aTimestamp: .max), #"{"aTimestamp":"9999-12-31T23:59:59.999999999Z"}"#),
        (Everything(aDuration: .seconds(90)), #"{"aDuration":"90s"}"#),
        (Everything(aDuration: .milliseconds(-1500)), #"{"aDuration":"-1.500s"}"#),
        (Everything(aDuration: .microseconds(-1)), #"{"aDuration":"-0.000001s"}"#),
        (Everything(aDuration: .nanoseconds(1)), #"{"aDuration":"0.000000001s"}"#),
        (
            Everything(aDuration: .seconds(-315_576_000_000)),
            #"{"aDuration":"-315576000000s"}"#
        ),
        (Everything(aMood: .sad), #"{"aMood":"MOOD_SAD"}"#),
        (Everything(aMood: .elated), #"{"aMood":"MOOD_ELATED"}"#),
        (Everything(aMood: .unrecognized(7)), #"{"aMood":7}"#),
        (Everything(aLeaf: Leaf(third: "x")), #"{"aLeaf":{"third":"x"}}"#),
        (Everything(maybeBool: false), #"{"maybeBool":false}"#),
        (Everything(maybeInt64: 0), #"{"maybeInt64":"0"}"#),
        (Everything(maybeString: ""), #"{"maybeString":""}"#),
        (Everything(maybeBytes: []), #"{"maybeBytes":""}"#),
        (
            Everything(maybeTimestamp: Timestamp()),
            #"{"maybeTimestamp":"1970-01-01T00:00:00Z"}"#
        ),
        (Everything(maybeDuration: .zero), #"{"maybeDuration":"0s"}"#),
        (Everything(maybeMood: .fine), #"{"maybeMood":"MOOD_FINE"}"#),
        (Everything(maybeLeaf: Leaf()), #"{"maybeLeaf":{}}"#),
        (Everything(bools: [true, false]), #"{"bools":[true,false]}"#),
        (Everything(int64s: [1, -1]), #"{"int64s":["1","-1"]}"#),
        (Everything(strings: ["", "a"]), #"{"strings":["","a"]}"#),
        (Everything(moods: [.fine, .sad]), #"{"moods":["MOOD_FINE","MOOD_SAD"]}"#),
        (Everything(leaves: [Leaf(), Leaf(first: 1)]), #"{"leaves":[{},{"first":1}]}"#),
        (
            Everything(maybeID: RPCUUID()),
            #"{"maybeID":"00000000-0000-0000-0000-000000000000"}"#
        ),
        (
            Everything(anID: RPCUUID(high: 0x0123_4567_89AB_CDEF, low: .max)),
            #"{"anID":"01234567-89ab-cdef-ffff-ffffffffffff"}"#
        ),
        (Everything(choice: .chosenBool(false)), #"{"chosenBool":false}"#),
        (Everything(choice: .chosenLeaf(Leaf())), #"{"chosenLeaf":{}}"#),
        (Everything(texts: ["b": "", "a": "x"]), #"{"texts":{"a":"x","b":""}}"#),
        (Everything(texts: ["\"": "\n"]), #"{"texts":{"\"":"\n"}}"#),
        (
            Everything(leafByNumber: [10: Leaf(), -2: Leaf(first: 1)]),
            #"{"leafByNumber":{"-2":{"first":1},"10":{}}}"#
        ),
        (
            Everything(moodByNumber: [.max: .sad]),
            #"{"moodByNumber":{"9223372036854775807":"MOOD_SAD"}}"#
        ),
        (Everything(doubles32: [7: 0.5]), #"{"doubles32":{"7":0.5}}"#),
        (
            Everything(bytesByBool: [true: [1], false: []]),
            #"{"bytesByBool":{"false":"","true":"AQ=="}}"#
        ),
        (Everything(shade: .bright), #"{"shade":"SHADE_BRIGHT"}"#),
        (Everything(last: 1), #"{"last":1}"#),
    ]

    @Test(arguments: known)
    func `a value and its text turn into each other`(_ value: Everything, _ text: String) throws {
        #expect(String(decoding: value.encodedJSON(), as: UTF8.self) == text)
        #expect(try Everything(decodingJSON: Array(text.utf8)) == value)
    }

    /// What is read besides what is written.
    static let accepted: [(String, Everything)] = [
        (" { \"aBool\" :\ttrue ,\r\n\"last\": 1 } \n", Everything(aBool: true, last: 1)),
        (#"{"last":1,"aBool":true}"#, Everything(aBool: true, last: 1)),
        (#"{"a_bool":true,"an_int32":1}"#, Everything(aBool: true, anInt32: 1)),
        (#"{"an_id":"","leaf_by_number":{}}"#, Everything()),
        (#"{"\u0061Bool":true,"an\u005fint32":2}"#, Everything(aBool: true, anInt32: 2)),
        (#"{"aBool":null,"maybeLeaf":null,"bools":null,"texts":null,"chosenBool":null}"#, .init()),
        (#"{"chosenBool":null,"chosenText":"x"}"#, Everything(choice: .chosenText("x"))),
        (#"{"anInt32":"12","aUint32":"0","aUint64":5}"#, Everything(anInt32: 12, aUint64: 5)),
        (#"{"anInt32":1e3,"anInt64":-1.50e1}"#, Everything(anInt32: 1000, anInt64: -15)),
        (#"{"anInt32":-0,"aUint32":-0.0,"aUint64":0e99}"#, Everything()),
        (#"{"anInt32":100000E-5,"anInt64":"1.0E+2"}"#, Everything(anInt32: 1, anInt64: 100)),
        (#"{"anInt32":2147483647.000000000000000000000}"#, Everything(anInt32: .max)),
        (#"{"aUint64":18446744073709551615.0}"#, Everything(aUint64: .max)),
        (#"{"aUint64":1844674407370955161.5e1}"#, Everything(aUint64: .max)),
        (#"{"anInt64":"\u0031"}"#, Everything(anInt64: 1)),
        (#"{"aFloat":1,"aDouble":"2.5"}"#, Everything(aFloat: 1, aDouble: 2.5)),
        (
            #"{"aDouble":123456789012345678901234567890}"#,
            Everything(aDouble: 1.2345678901234568e29)
        ),
        (#"{"aDouble":1e-400,"aFloat":1e-60}"#, Everything()),
        (#"{"aFloat":16777217}"#, Everything(aFloat: 16_777_216)),
        (
            #"{"aFloat":3.40282356e38}"#,
            Everything(aFloat: .greatestFiniteMagnitude)
        ),
        (#"{"aString":"\u00e4\ud83d\udc4D\/"}"#, Everything(aString: "ä👍/")),
        (#"{"someBytes":"-_8"}"#, Everything(someBytes: [0xFB, 0xFF])),
        (#"{"someBytes":"-_8="}"#, Everything(someBytes: [0xFB, 0xFF])),
        (#"{"someBytes":"AA"}"#, Everything(someBytes: [0])),
        (#"{"someBytes":"\u0041A=="}"#, Everything(someBytes: [0])),
        (
            #"{"aTimestamp":"1970-01-01T01:00:00.5+01:00"}"#,
            Everything(aTimestamp: Timestamp(seconds: 0, nanoseconds: 500_000_000) ?? .min)
        ),
        (#"{"aDuration":"1.5s"}"#, Everything(aDuration: .milliseconds(1500))),
        (#"{"aDuration":"-0s"}"#, Everything()),
        (
            #"{"aMood":-1,"moods":[0,9]}"#,
            Everything(aMood: .sad, moods: [.fine, .unrecognized(9)])
        ),
        (
            #"{"anID":"01234567-89AB-CDEF-FFFF-FFFFFFFFFFFF"}"#,
            Everything(anID: RPCUUID(high: 0x0123_4567_89AB_CDEF, low: .max))
        ),
    ]

    @Test(arguments: accepted)
    func `more is read than is written`(_ text: String, _ value: Everything) throws {
        #expect(try Everything(decodingJSON: Array(text.utf8)) == value)
    }

    @Test func `not a number is a word`() throws {
        let text = Everything(aFloat: .nan, maybeDouble: -.nan).encodedJSON()
        #expect(String(decoding: text, as: UTF8.self) == #"{"aFloat":"NaN","maybeDouble":"NaN"}"#)
        let value = try Everything(decodingJSON: text)
        #expect(value.aFloat.isNaN && value.maybeDouble?.isNaN == true)
    }

    @Test func `fields and their messages stand in the order of their numbers`() {
        let leaf = Leaf(third: "c", first: 1, second: Words(class: 2))
        #expect(leaf.description == #"{"first":1,"second":{"class":2},"third":"c"}"#)
    }

    @Test func `a message that is a value of its own in JSON is one at the top too`() throws {
        let instant = Timestamp(seconds: 1) ?? .min
        #expect(instant.encodedJSON() == Array(#""1970-01-01T00:00:01Z""#.utf8))
        #expect(try Timestamp(decodingJSON: instant.encodedJSON()) == instant)
    }

    @Test func `on request defaults are written, but nothing that is absent`() throws {
        let text = String(decoding: Limited().encodedJSON(.full), as: UTF8.self)
        #expect(
            text == #"{"size":0,"share":0.0,"codes":[],"marks":[],"byCode":{},"secret":""}"#)
        #expect(try Limited(decodingJSON: Array(text.utf8)) == Limited())
        let inner = String(decoding: Leaf().encodedJSON(.full), as: UTF8.self)
        #expect(
            inner.hasPrefix(#"{"first":0,"second":{"class":0,"default":"","in":[],"bytes":"","#))
        #expect(inner.contains(#""message":"WORD_DEFAULT","list":[],"#))
        #expect(inner.contains(#""repeat":"1970-01-01T00:00:00Z","is":"0s","#))
        #expect(try Leaf(decodingJSON: Array(inner.utf8)) == Leaf())
    }

    @Test func `fields that the schema does not have are not written`() throws {
        let value = try Everything(decoding: [0x08, 0x01, 0xC0, 0x3E, 0x05])
        #expect(value.description == #"{"aBool":true}"#)
        #expect(Everything(aLeaf: try Leaf(decoding: [0xC0, 0x3E, 0x05])).description == "{}")
    }

    @Test func `a writer appends to the array it was given`() {
        var writer = JSONWriter([1, 2])
        Leaf(first: 3).encodeValue(into: &writer)
        #expect(writer.bytes == [1, 2] + Array(#"{"first":3}"#.utf8))
    }

    @Test func `what is secret does not show in a description`() throws {
        var value = Limited(size: 1, secret: "s3cret", key: .word("open sesame"))
        let text = #"{"size":1,"secret":"[redacted]","word":"[redacted]"}"#
        #expect(value.description == text && "\(value)" == text)
        #expect(String(reflecting: value) == text)
        #expect(value.encodedJSON(redacts: true) == Array(text.utf8))
        #expect(try Limited(decodingJSON: value.encodedJSON()) == value)
        value.secret = ""
        value.key = nil
        #expect(value.description == #"{"size":1}"#)
        let all = String(
            decoding: value.encodedJSON(.full, redacts: true), as: UTF8.self)
        #expect(all.contains(#""secret":"[redacted]""#))
    }

    @Test func `an instant describes itself as before`() {
        #expect("\(Timestamp())" == "1970-01-01T00:00:00Z")
        #expect(String(reflecting: Timestamp()) == "1970-01-01T00:00:00Z")
    }

    @Test(arguments: [
        ("logID", "log_id"), ("asOf", "as_of"), ("newURLPath", "new_url_path"),
        ("int32s", "int32s"), ("a1B2", "a1_b2"), ("x", "x"), ("isTLS13", "is_tls13"),
        ("aB", "a_b"), ("xID", "x_id"),
    ])
    func `the name of a proto is known without being written down`(_ name: String, _ snake: String)
    {
        func isForm(_ key: String) -> Bool {
            SnakeCase.matches(key.utf8.span, name.utf8.span)
        }
        #expect(isForm(snake))
        for other in [name + "_", snake + "_", "_" + snake, String(snake.dropLast())] {
            #expect(!isForm(other))
        }
    }

    @Test func `an enum finds names and numbers in any order and with gaps`() {
        let names = EnumNames("a.B", [9: "NINE", -1: "MINUS", 0: "ZERO", 2: "TWO", 1: "ONE"])
        func number(_ name: String) -> Int32? { names.number(name.utf8.span) }
        for (value, name) in [(9, "NINE"), (-1, "MINUS"), (0, "ZERO"), (2, "TWO"), (1, "ONE")] {
            var text: [UInt8] = []
            #expect(names.put(Int32(value), &text))
            #expect(text == Array("\"\(name)\"".utf8))
            #expect(number(name) == Int32(value))
        }
        var text: [UInt8] = []
        #expect([3, -2, .max, .min].allSatisfy { !names.put($0, &text) } && text.isEmpty)
        #expect(["", "TW", "TWOO", "two", "MINUT"].allSatisfy { number($0) == nil })
    }
}
