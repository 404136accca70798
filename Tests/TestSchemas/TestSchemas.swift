// SwiftPM drops a target without a Swift file; the rest of this one is generated from *.rpc.
