import Transport

extension RPCConnection {
    /// Whether the peer takes compressed messages.
    var takesCompressed: Bool {
        state.withValue { $0.core.peerHello.compressions.contains(Hello.zlib) }
    }

    /// A message, compressed.
    func deflate(_ encode: (inout WireWriter) -> Void) -> [UInt8] {
        var writer = WireWriter()
        encode(&writer)
        let plain = writer.bytes
        return state.withValue { state in
            let deflater = state.deflater ?? Deflater()
            state.deflater = deflater
            return deflater.compress(plain.span)
        }
    }

    /// The parts of the message that was the last event.
    @usableFromInline func takeAssembled() -> Assembly {
        state.withValue { state in
            var parts = Assembly()
            swap(&parts, &state.core.detail.assembled)
            return parts
        }
    }

    /// The bytes of a message that is not where it came, or compressed.
    func bytes(of place: ConnectionCore<CallState>.Body) -> Result<[UInt8], RPCError> {
        let assembled = place.isAssembled ? takeAssembled().joined() : []
        guard place.isCompressed else { return .success(assembled) }
        let inflater = state.withValue { state in
            let inflater = state.inflater ?? Inflater()
            state.inflater = inflater
            return inflater
        }
        do throws(CompressionError) {
            if place.isAssembled {
                return .success(try inflater.expand(assembled.span, max: options.messageBytesMax))
            }
            let came = loop.withLent { bytes in
                var copy: [UInt8] = []
                copy.append(bytes, place.range)
                return copy
            }
            return .success(try inflater.expand(came.span, max: options.messageBytesMax))
        } catch {
            switch error {
            case .tooLarge:
                return .failure(
                    RPCError(
                        .resourceExhausted,
                        "a compressed message has more than \(options.messageBytesMax) bytes (option messageBytesMax)"
                    ))
            case .tooDense:
                return .failure(
                    RPCError(
                        .resourceExhausted,
                        "a compressed message has more than \(Inflater.ratioMax) times the bytes that came"
                    ))
            case .damaged:
                return .failure(
                    RPCError(.internal, "a compressed message cannot be expanded"))
            }
        }
    }
}
