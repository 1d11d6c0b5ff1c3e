import "./count.ts";

namespace Words {
  export const most = 3;
}
