import FirnGraph
import FirnRuntime
import Testing

@testable import FirnONNX

/// Operators that few models have, held to numbers of onnx's reference implementation.
@Suite struct SampledRegionsTests {
  /// Boxes of an image of 0 to 15, the second of them partly outside of it.
  @Test(arguments: [
    ("avg", "half_pixel", [1.5625, 3, 7.3125, 8.75, 3.25, 2.25, 6.25, 3.75]),
    ("avg", "output_half_pixel", [3.75, 5.25, 9.75, 11.25, 5.75, 0, 8.75, 0]),
    ("max", "half_pixel", [2.5, 3.28125, 7, 7.65625, 2.4609375, 3.9375, 4.1015625, 6.5625]),
    ("max", "output_half_pixel", [3.828125, 4.59375, 7.109375, 7.65625, 5.7421875, 0, 7.8203125, 0]),
  ]) func regionsAreAveragedOrTheirGreatest(_ mode: String, _ places: String, _ wanted: [Double]) throws {
    var attributes = [("output_height", 2), ("output_width", 2), ("sampling_ratio", 2)].map {
      HandModel.attribute($0.0, $0.1)
    }
    for (name, text) in [("mode", mode), ("coordinate_transformation_mode", places)] {
      var attribute = AttributeMessage()
      (attribute.name, attribute.text, attribute.type) = (name, text, 3)
      attributes.append(attribute)
    }
    let model = try HandModel.read(
      HandModel.model(
        [HandModel.node("RoiAlign", ["x", "boxes", "images"], ["y"], attributes)],
        inputs: [HandModel.value("x", ["1", "1", "4", "4"]), HandModel.value("boxes", ["2", "4"])],
        outputs: ["y"], initializers: [TensorMessage("images", integers: [0, 0])]))
    let session = try Session(model.graph, threads: 1)
    let results = try session.run(
      session.compile(fetching: model.outputs.map(\.tensor)),
      feeding: [
        "x": NDArray((0..<16).map { Float($0) }, shape: [1, 1, 4, 4]),
        "boxes": NDArray([Float(0), 0, 3, 3, 1, 0.5, 6, 2], shape: [2, 4]),
      ])
    let values = try results[model.outputs[0].tensor]
    #expect(values.shape == [2, 1, 2, 2])
    #expect(zip(values.doubles, wanted).allSatisfy { abs($0 - $1) < 1e-5 }, "\(values.doubles)")
  }
}
