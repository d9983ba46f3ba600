#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "lockstep/models/edgenext.h"
#include "lockstep/models/feature_pyramid.h"
#include "lockstep/models/proposal_head.h"
#include "lockstep/models/region_embedding.h"

namespace lockstep::models {

struct FewShotDetectorOptions {
  std::string backbone = "edgenext_small";  ///< one of edgenext_variants()
  std::int64_t width = 128;                 ///< channels of pyramid, heads and embeddings, a multiple of 8
  std::int64_t max_proposals = 100;         ///< boxes of a query that are matched, at least 1
  double drop_path = 0.0;                   ///< of the backbone's last block
  bool gradient_checkpointing = false;      ///< less memory for activations, for a second forward pass in backward
  std::int64_t support_chunk = 0;           ///< supports that pass at once; 0: all

  /// Throws UsageError, naming the flag.
  void validate() const;
};

/// What the supports of an episode say about its classes: vectors of length 1, float32.
struct Prototypes {
  at::Tensor whole;    ///< (classes, width)
  at::Tensor regions;  ///< (classes, kRegions, width)

  /// Those of all parts, one after the other: classes with different numbers of supports are made one by one.
  static Prototypes join(const std::vector<Prototypes>& parts);
};

/// All that the network says about the queries of an episode with N classes.
struct QueryAnswers {
  DenseAnswers dense;     ///< of each query, at every place
  at::Tensor proposals;   ///< (P, 5): query, x0, y0, x1, y1, without gradient; then the extra boxes
  at::Tensor objectness;  ///< (P) probabilities of the proposals, without gradient; 1 for extra boxes
  at::Tensor matching;    ///< (P, N + 1) logits of the classes, then of the background
  at::Tensor refined;     ///< (P, 4) the proposals, moved to fit what they were matched with
};

/// The objects of one query, the surest first.
struct QueryDetections {
  at::Tensor boxes;   ///< (D, 4) x0, y0, x1, y1 in pixels of the query
  at::Tensor scores;  ///< (D) from 0 to 1
  at::Tensor ways;    ///< (D) int64: which class of the episode
};

struct DetectOptions {
  double score_threshold = 0.01;      ///< what is less sure is left out
  double nms_threshold = 0.5;         ///< overlap above which the less sure of two boxes of a class is left out
  std::int64_t max_detections = 100;  ///< of a query
};

/// Finds objects of classes that it is shown a few examples of: EdgeNeXt ("backbone"), a feature pyramid ("pyramid"),
/// proposals of any class ("proposals"), embeddings of boxes ("embedding") that are compared with those of the supports
/// by their cosine, after Snell et al., "Prototypical networks for few-shot learning", NeurIPS 2017. A class has a
/// prototype for the whole box and one for each of its regions; the background has learnt ones.
class FewShotDetector : public torch::nn::Module {
 public:
  /// Throws UsageError as `FewShotDetectorOptions::validate`.
  explicit FewShotDetector(const FewShotDetectorOptions& options);

  /// supports: (N * K, 3, height, width) float, normalised, those of a class together; boxes: (N * K, 4), the object in
  /// each, in its pixels. Sides are multiples of 32, else UsageError.
  Prototypes prototypes(const at::Tensor& supports, const at::Tensor& boxes, std::int64_t classes);

  /// queries: (Q, 3, height, width), likewise. `extra_boxes`, (R, 5) of query and box, are matched beside the
  /// proposals, such as true boxes in training.
  QueryAnswers forward(const at::Tensor& queries, const Prototypes& prototypes, const at::Tensor& extra_boxes = {});

  /// What forward() comes to, for each query. Without gradient.
  std::vector<QueryDetections> detect(const at::Tensor& queries, const Prototypes& prototypes,
                                      const DetectOptions& options);

  /// As EdgeNeXt::set_memory_format; all else follows.
  void set_memory_format(at::MemoryFormat format) { backbone_->set_memory_format(format); }

 private:
  struct Features {
    at::Tensor detail;               ///< at stride 4
    std::vector<at::Tensor> levels;  ///< of the pyramid
  };
  Features features_of(const at::Tensor& images);
  at::Tensor match(const Embeddings& found, const Prototypes& prototypes);
  at::Tensor refine(const at::Tensor& proposals, const Embeddings& found, const Prototypes& prototypes,
                    const at::Tensor& matching);

  FewShotDetectorOptions options_;
  nn::LayerCounter layers_;
  std::shared_ptr<EdgeNeXt> backbone_;
  std::shared_ptr<FeaturePyramid> pyramid_;
  std::shared_ptr<ProposalHead> proposals_;
  std::shared_ptr<RegionEmbedding> embedding_;
  torch::nn::Linear background_;    ///< a row for the whole and one a region
  at::Tensor background_bias_;      ///< (1), in units of the cosine
  at::Tensor log_temperature_;      ///< (1)
  at::Tensor share_of_regions_;     ///< (1), before a sigmoid
  at::Tensor affinity_of_regions_;  ///< (kRegions, kRegions): which of a prototype's regions each looks at
  torch::nn::Sequential refinement_;
};

}  // namespace lockstep::models
