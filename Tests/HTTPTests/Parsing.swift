import HTTP

/// What a parser made of some bytes.
struct Parsed: Equatable {
    var heads: [RequestHead] = []
    var bodies: [[UInt8]] = []
    var refusal: HTTPError?
    /// Whether nothing of a further request is left.
    var isBetweenRequests = true
}

/// Feeds `text` to a parser in pieces of `step` bytes.
func parse(_ text: String, step: Int = .max, limits: HTTPLimits = HTTPLimits()) -> Parsed {
    parse(Array(text.utf8), step: step, limits: limits)
}

func parse(_ bytes: [UInt8], step: Int = .max, limits: HTTPLimits = HTTPLimits()) -> Parsed {
    var parser = RequestParser(limits: limits)
    var parsed = Parsed()
    var body: [UInt8] = []
    var rest = bytes[...]
    do throws(HTTPError) {
        while true {
            while let event = try parser.next() {
                switch event {
                case .head(let head): parsed.heads.append(head)
                case .body(let piece): body += piece
                case .end:
                    parsed.bodies.append(body)
                    body = []
                }
            }
            if rest.isEmpty { break }
            let piece = rest.prefix(step)
            rest = rest.dropFirst(piece.count)
            parser.append(Array(piece))
        }
        parsed.isBetweenRequests = parser.isBetweenRequests
    } catch {
        parsed.refusal = error
    }
    return parsed
}
