import HTTP
import Transport

/// A terminal's request, taken apart.
struct PushCall: Sendable {
    enum Endpoint: String, Sendable {
        case cdata, getrequest, devicecmd, ping, exchange, file, registry, push, querydata, rtdata
    }

    var endpoint: Endpoint
    var isPost: Bool
    var serial: String
    /// Where it came from, without the port.
    var host: String
    /// What its `MAC` header says.
    var mac: String?
    var body: [UInt8]
    private var parameters: [String: String] = [:]

    /// Why a request is none of a terminal.
    enum Refusal: Error, Sendable {
        case unknownPath
        case wrongMethod
        case serial
    }

    init(_ request: HTTPRequest) throws(Refusal) {
        let segments = request.head.target.segments
        guard segments.count == 2, segments[0].lowercased() == "iclock" else {
            throw .unknownPath
        }
        var word = segments[1].lowercased()
        if word.hasSuffix(".aspx") { word.removeLast(5) }
        guard let endpoint = Endpoint(rawValue: word) else { throw .unknownPath }
        self.endpoint = endpoint
        switch request.head.method {
        case "GET": isPost = false
        case "POST": isPost = true
        default: throw .wrongMethod
        }
        for item in request.head.target.query {
            let name = item.name.lowercased()
            if parameters[name] == nil { parameters[name] = item.value }
        }
        guard let serial = parameters["sn"], Self.isSerial(serial) else { throw .serial }
        self.serial = serial
        host = request.remote.host
        mac = request.head.fields.only("mac").map { $0.lowercased().clipped(toBytes: 32) }
        body = request.body
    }

    /// The value of a parameter, whose name is given in lower case.
    subscript(_ name: String) -> String? { parameters[name] }

    /// The table of an upload, in upper case as most firmware writes it.
    var table: String { (parameters["table"] ?? "").uppercased().clipped(toBytes: 32) }

    /// Serial numbers are on stickers: letters, digits and dashes.
    static func isSerial(_ text: String) -> Bool {
        1...32 ~= text.utf8.count
            && text.utf8.allSatisfy {
                0x30...0x39 ~= $0 || 0x41...0x5A ~= $0 || 0x61...0x7A ~= $0 || $0 == 0x2D
                    || $0 == 0x5F
            }
    }
}

extension HTTPResponse {
    /// What terminals read: plain text, nothing else.
    static func push(_ text: String, _ status: HTTPStatus = .ok) -> HTTPResponse {
        HTTPResponse(
            status, fields: [HTTPField("Content-Type", "text/plain")],
            body: .bytes(Array(text.utf8)))
    }

    /// What makes a terminal keep its data and send it again later.
    static func pushLater(_ status: HTTPStatus, _ text: String, after seconds: Int)
        -> HTTPResponse
    {
        HTTPResponse(
            status,
            fields: [
                HTTPField("Content-Type", "text/plain"), HTTPField("Retry-After", "\(seconds)"),
            ], body: .bytes(Array(text.utf8)))
    }
}
