import FirnGraph
import FirnRuntime

/// What members must not have differently.
enum Mismatch {
  /// Changes the last bit of the first element.
  static func changeOneBit(of name: String, in session: Session) throws {
    var elements = try session.value(of: name).elements(as: Float.self)
    let shape = try session.value(of: name).shape
    elements[0] = Float(bitPattern: elements[0].bitPattern ^ 1)
    try session.setValue(NDArray(elements).reshaped(to: shape), of: name)
  }

  static func putNaN(into name: String, in session: Session) throws {
    var elements = try session.value(of: name).elements(as: Float.self)
    let shape = try session.value(of: name).shape
    elements[0] = .nan
    try session.setValue(NDArray(elements).reshaped(to: shape), of: name)
  }
}
